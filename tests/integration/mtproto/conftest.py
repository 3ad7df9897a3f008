"""Bots of every MTProto library that is installed here, in a simulated Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from neonpay import PaymentResult, PaymentStage, create_neonpay
from neonpay.app import NeonPayCore
from neonpay.simulator import Buyer, Outcome, Simulator
from neonpay.testing.adapter_suite import Noted
from tests.integration.mtproto.libraries import INSTALLED, MtprotoBot, bot_of


@pytest.fixture(params=INSTALLED)
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7) as telegram:
        yield telegram


@pytest.fixture
async def make_bot(library: str, telegram: Simulator) -> AsyncIterator[Callable[..., MtprotoBot]]:
    """Makes bots that are not started and stops them in the end."""
    bots: list[MtprotoBot] = []

    def make(username: str = "shop_bot", **options: Any) -> MtprotoBot:
        bots.append(bot_of(library, telegram, telegram.bot(username), **options))
        return bots[-1]

    yield make
    for bot in bots:
        await bot.stop()


@pytest.fixture
async def bot(make_bot: Callable[..., MtprotoBot]) -> MtprotoBot:
    """A bot that runs."""
    bot = make_bot()
    await bot.start()
    return bot


class MtprotoShop:
    """A bot that sells, or will."""

    def __init__(self, bot: MtprotoBot, database_url: str) -> None:
        self.bot = bot
        self.telegram = bot.telegram
        self.account = bot.account
        self.database_url = database_url
        self.delivered: Noted[PaymentResult] = Noted()
        self.neonpay: Any = None

    def sells_from_now_on(self, **options: Any) -> NeonPayCore:
        """``create_neonpay`` on the bot."""
        quiet = {"poll_s": 0.05, "messages_per_s": None, "reconcile_every_s": None, "database_url": self.database_url}
        token = {"bot_token": self.account.token} if self.bot.library == "telethon" else {}
        options = {"api_url": self.telegram.base_url, **quiet, **token, **options}
        self.neonpay = create_neonpay(self.bot.client, **options)
        self.neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=50))
        self.neonpay.on_payment(name="deliver")(self._deliver)
        return self.neonpay

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.add(result)

    async def visitor(self, name: str = "Ann") -> Buyer:
        """Somebody who has written to the bot."""
        visitor = self.telegram.user(name, stars=1000)
        await visitor.says("/start", to=self.account)
        return visitor

    async def sells(self, buyer: Buyer) -> Outcome:
        """Send an invoice, have it paid, and wait until it is delivered."""
        await self.neonpay.send_payment(buyer.id, "vip")
        outcome = await buyer.pays(await buyer.hears(self.account, predicate=lambda m: m.invoice is not None))
        await self.delivered.has(lambda result: result.transaction_id == outcome.charge_id)
        return outcome

    def host_saw(self) -> list[str]:
        """Names of the updates that reached the host's raw handler, and of the actions in them."""
        actions = [getattr(getattr(update, "message", None), "action", None) for update in self.bot.raw.all]
        return [
            type(update if action is None else action).__name__
            for update, action in zip(self.bot.raw.all, actions, strict=True)
        ]


@pytest.fixture
async def make_shop(make_bot: Callable[..., MtprotoBot], tmp_path: Path) -> AsyncIterator[Callable[..., MtprotoShop]]:
    """Makes bots that do not sell yet."""
    shops: list[MtprotoShop] = []

    def make(username: str = "shop_bot", **options: Any) -> MtprotoShop:
        shops.append(MtprotoShop(make_bot(username, **options), f"sqlite:///{tmp_path}/{username}.db"))
        return shops[-1]

    yield make
    for shop in shops:
        await shop.bot.stop()
        if shop.neonpay is not None:
            await shop.neonpay.close()


@pytest.fixture
async def shop(make_shop: Callable[..., MtprotoShop]) -> MtprotoShop:
    """A shop that runs."""
    shop = make_shop()
    shop.sells_from_now_on()
    await shop.bot.start()
    return shop
