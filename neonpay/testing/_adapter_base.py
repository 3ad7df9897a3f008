"""A shop on the adapter under test, and what its rules share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest

from neonpay import NeonPayCore, PaymentResult, PaymentStage
from neonpay.simulator import BotAccount, Buyer, Outcome, Simulator
from neonpay.telegram.client import BotApiClient
from neonpay.testing.adapter_host import BotHost, HostFactory, Noted

P = ParamSpec("P")
T = TypeVar("T")

VIP = PaymentStage(title="VIP", description="A month of VIP", price=50, payload={"days": 30})
QUIET = {"poll_s": 0.05, "messages_per_s": None, "reconcile_every_s": None, "enable_logging": True}
"""Nothing goes out that a rule did not ask for."""


class ShopUnderTest:
    """One life of a bot that sells."""

    neonpay: NeonPayCore

    def __init__(self, telegram: Simulator, account: BotAccount, host: BotHost, options: dict[str, Any]) -> None:
        self.telegram = telegram
        self.account = account
        self.host = host
        self.delivered: Noted[PaymentResult] = Noted()
        self.revoked: Noted[str] = Noted()
        self.options = options

    def join(self) -> None:
        """Begin to sell through the bot, which may run already."""
        self.host.neonpay = self.neonpay = self.host.join(**self.options)
        self.neonpay.create_payment_stage("vip", VIP)
        self.neonpay.on_payment(name="deliver")(self._deliver)
        self.neonpay.on_refund(name="revoke")(self._revoke)

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.add(result)

    async def _revoke(self, result: PaymentResult) -> None:
        self.revoked.add(str(result.transaction_id))

    async def do(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a coroutine method of ``neonpay`` gives, called where the library's users would call it."""
        return await self.host.call(function, *args, **kwargs)

    async def visitor(self, name: str = "Ann") -> Buyer:
        """Somebody who has written to the bot, so that it may write back."""
        visitor = self.telegram.user(name, stars=1000)
        await visitor.says("/start", to=self.account)
        return visitor

    async def invoices(self, buyer: Buyer, stage_id: str = "vip") -> Any:
        """Send an invoice; the message that the buyer gets."""
        await self.do(self.neonpay.send_payment, buyer.id, stage_id)
        return await buyer.hears(self.account, predicate=lambda message: message.invoice is not None)

    async def sells(self, buyer: Buyer, stage_id: str = "vip") -> Outcome:
        """Send an invoice, have it paid, and wait until it is delivered."""
        outcome = await buyer.pays(await self.invoices(buyer, stage_id))
        assert outcome.status == "paid", outcome
        await self.delivered.has(lambda result: result.transaction_id == outcome.charge_id)
        return outcome

    async def state(self, charge_id: str) -> str:
        """State of a payment."""
        (payment,) = [found for found in await self.do(self.neonpay.payments.list) if found.charge_id == charge_id]
        return str(payment.state)

    def telegram_client(self) -> BotApiClient:
        """The same bot by HTTP, as some other program that has its token."""
        return BotApiClient(self.account.token, base_url=self.telegram.base_url)


class AdapterFixtures:
    """A simulated Telegram, and shops on the adapter under test."""

    @pytest.fixture
    def host_factory(self) -> HostFactory:
        """Override it: what is tested."""
        msg = "a subclass of AdapterConformance needs a fixture host_factory; see neonpay.testing.adapter_suite"
        raise NotImplementedError(msg)

    @pytest.fixture
    def shop_database_url(self, tmp_path: Path) -> str:
        """Where the shops keep their payments."""
        return f"sqlite:///{tmp_path / 'conformance.db'}"

    @pytest.fixture
    async def telegram(self) -> AsyncIterator[Simulator]:
        """A Telegram of the test's own."""
        async with Simulator(seed=11) as telegram:
            yield telegram

    @pytest.fixture
    async def open_shop(
        self, telegram: Simulator, host_factory: HostFactory, shop_database_url: str
    ) -> AsyncIterator[Callable[..., ShopUnderTest]]:
        """Makes shops that are not started; a second one of the same bot is the first after a restart."""
        shops: list[ShopUnderTest] = []

        def open_shop(
            *, username: str = "shop_bot", joins: bool = True, in_turn: bool = False, **options: Any
        ) -> ShopUnderTest:
            account = telegram.bot(username)
            host = host_factory(telegram, account)
            if in_turn:
                host.take_turns()
            given = {**QUIET, "database_url": shop_database_url, **options}
            shops.append(ShopUnderTest(telegram, account, host, given))
            if joins:
                shops[-1].join()
            return shops[-1]

        yield open_shop
        for shop in shops:
            shop.host.released.set()
        await asyncio.gather(*[shop.host.stop() for shop in shops])

    @pytest.fixture
    async def shop(self, open_shop: Callable[..., ShopUnderTest]) -> ShopUnderTest:
        """A shop that runs."""
        shop = open_shop()
        await shop.host.start()
        return shop
