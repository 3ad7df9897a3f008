"""A shop on real python-telegram-bot in a simulated Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest
from telegram.ext import Application, ApplicationBuilder

from neonpay import NeonPayCore, PaymentResult, PaymentStage, create_neonpay
from neonpay.simulator import BotAccount, Buyer, Outcome, Simulator

AnyApplication: TypeAlias = Application[Any, Any, Any, Any, Any, Any]
VIP = PaymentStage(title="VIP", description="A month of VIP", price=50)


class PtbShop:
    """One bot. ``neonpay`` is made by ``sells_through`` or when it is first asked for."""

    def __init__(self, telegram: Simulator, account: BotAccount, application: AnyApplication, options: Any) -> None:
        self.telegram = telegram
        self.account = account
        self.application = application
        self.delivered: list[PaymentResult] = []
        self.database_url = str(options["database_url"])
        self._options = {"poll_s": 0.01, "messages_per_s": None, "reconcile_every_s": None, **options}
        self._neonpay: NeonPayCore | None = None
        self._changed = asyncio.Event()

    @property
    def neonpay(self) -> NeonPayCore:
        return self._neonpay or self.sells_through(self.application)

    def sells_through(self, given: object, **more: Any) -> NeonPayCore:
        """Call ``create_neonpay`` now."""
        self._neonpay = neonpay = create_neonpay(given, **more, **self._options)
        neonpay.create_payment_stage("vip", VIP)
        neonpay.on_payment(name="deliver")(self._deliver)
        return neonpay

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.append(result)
        self._changed.set()

    @asynccontextmanager
    async def polling(self, **options: Any) -> AsyncIterator[PtbShop]:
        """The bot runs inside the block, as programs run it that have an event loop of their own."""
        async with self.application as application:
            await application.start()
            assert application.updater is not None
            await application.updater.start_polling(**options)
            try:
                yield self
            finally:
                await application.updater.stop()
                await application.stop()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[PtbShop]:
        """The application runs inside the block, and somebody else gives it its updates."""
        async with self.application as application:
            await application.start()
            try:
                yield self
            finally:
                await application.stop()

    async def visitor(self, name: str = "Ann") -> Buyer:
        """Somebody who has written to the bot, so that it may write back."""
        visitor = self.telegram.user(name, stars=1000)
        await visitor.says("/start", to=self.account)
        return visitor

    async def invoices(self, buyer: Buyer) -> Any:
        """The message with an invoice that the buyer gets."""
        await self.neonpay.send_payment(buyer.id, "vip")
        return await buyer.hears(self.account, predicate=lambda message: message.invoice is not None)

    async def sells(self, buyer: Buyer) -> Outcome:
        """Send an invoice, have it paid, and wait until it is delivered."""
        outcome = await buyer.pays(await self.invoices(buyer))
        assert outcome.status == "paid", outcome
        await self.has_delivered(outcome.charge_id)
        return outcome

    async def has_delivered(self, charge_id: str | None) -> None:
        async with asyncio.timeout(100):
            while charge_id not in [result.transaction_id for result in self.delivered]:
                self._changed.clear()
                await self._changed.wait()

    async def settles(self) -> None:
        """Wait until Telegram has nothing left to tell, and everything that was told is done with."""
        await self.telegram.idle(self.account)
        await self.application.update_queue.join()
        await self.neonpay.program.drain()

    async def aclose(self) -> None:
        await self.neonpay.close()


Build: TypeAlias = Callable[[Any], Any]


@pytest.fixture
async def open_shop(telegram: Simulator, sqlite_url: str) -> AsyncIterator[Callable[..., PtbShop]]:
    """Makes shops; ``build`` changes the builder of the application."""
    shops: list[PtbShop] = []

    def open_shop(*, username: str = "shop_bot", build: Build = lambda builder: builder, **options: Any) -> PtbShop:
        account = telegram.bot(username)
        builder = ApplicationBuilder().token(account.token).base_url(f"{telegram.base_url}/bot")
        application = build(builder.concurrent_updates(False)).build()
        shops.append(PtbShop(telegram, account, application, {"database_url": sqlite_url, **options}))
        return shops[-1]

    yield open_shop
    for shop in shops:
        await shop.aclose()


@pytest.fixture
def shop(open_shop: Callable[..., PtbShop]) -> PtbShop:
    return open_shop()
