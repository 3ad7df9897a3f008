"""However many press Pay, whatever is told twice and however clocks go: an invoice is sold no more often than it has seats."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from aiogram.types import Update
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay import PaymentResult, PaymentStage
from neonpay.core.payments import Payment, PaymentState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import holds, invoices
from neonpay.simulator import Buyer, Checkout, Simulator
from tests.integration.conftest import MovableClock, Shop
from tests.looking import between_looks

EXAMPLES = {"sqlite": 25, "postgresql": 15}
PRICE, SEATS = 30, range(1, 11)

workers = st.integers(0, 1)


class Press(NamedTuple):
    """People press Pay in the same moment."""

    by: list[tuple[int, int]]


class Again(NamedTuple):
    """Queries that were delivered before are delivered once more, in the same moment."""

    queries: list[tuple[int, int]]


class Told(NamedTuple):
    """The bot is told of some of the charges, some of them for the second time."""

    charges: list[tuple[int, int]]


class Step(NamedTuple):
    """The clock of one worker, and with it the time of its transactions, goes wrong."""

    worker: int
    seconds: int


class Deaf(NamedTuple):
    """Answers do not arrive."""

    times: int


class Deadline(NamedTuple):
    """Telegram gives up on queries without an answer."""


calm = (
    st.builds(Press, st.lists(st.tuples(st.integers(0, 5), workers), min_size=1, max_size=8)),
    st.builds(Again, st.lists(st.tuples(st.integers(0, 30), workers), min_size=1, max_size=4)),
    st.builds(Told, st.lists(st.tuples(st.integers(0, 30), workers), min_size=1, max_size=6)),
    st.builds(Deaf, st.integers(1, 3)),
    st.builds(Deadline),
)
clocks = st.builds(Step, workers, st.sampled_from([-3600, -61, -30, 1, 59, 61, 3600]))
histories = st.one_of(
    st.lists(st.one_of(*calm), min_size=1, max_size=12), st.lists(st.one_of(*calm, clocks), min_size=1, max_size=12)
)


class Market:
    """Two workers of one bot on one database, in a simulated Telegram."""

    def __init__(self, telegram: Simulator, shops: Sequence[Shop], clocks: Sequence[MovableClock]) -> None:
        self.telegram, self.shops, self.clocks = telegram, shops, clocks
        self.delivered: set[str] = set()
        for shop in shops:
            for seats in SEATS:
                stage = PaymentStage(title="Seat", description="One seat", price=PRICE, max_payments=seats)
                shop.neonpay.create_payment_stage(f"seats_{seats}", stage)
            shop.neonpay.on_payment(name="deliver")(self.deliver)

    async def deliver(self, result: PaymentResult) -> None:
        self.delivered.add(result.payment.charge_id)

    async def sells(self, seats: int, history: Sequence[Any]) -> None:
        first, second = self.clocks
        second.advance((first.now_us() - second.now_us()) / 1_000_000)
        invoice = await self.shops[0].neonpay.create_payment_link(f"seats_{seats}")
        example = _Example(self, invoice.invoice_id, invoice.link or "", seats)
        for step in history:
            await example.takes(step)
            await example.is_not_oversold()
        self.telegram.faults.clear()
        await example.ends()


class _Example:
    def __init__(self, market: Market, invoice_id: str, link: str, seats: int) -> None:
        self.market, self.invoice_id, self.link, self.seats = market, invoice_id, link, seats
        self.people: list[Buyer] = [market.telegram.user(f"Buyer {n}", stars=PRICE * 1000) for n in range(6)]
        self.begun: list[Checkout] = []
        self.in_time = True
        self.seen = len(market.telegram.updates(market.shops[0].account))

    async def takes(self, step: Any) -> None:
        telegram = self.market.telegram
        if isinstance(step, Press):
            known = len(self.updates("pre_checkout_query"))
            self.begun += [await self.people[buyer].begins_to_pay(self.link) for buyer, _ in step.by]
            new = self.updates("pre_checkout_query")[known:]
            await self.feed([(body, worker) for body, (_, worker) in zip(new, step.by, strict=True)])
        elif isinstance(step, Again):
            await self.feed(self.chosen("pre_checkout_query", step.queries))
        elif isinstance(step, Told):
            await self.feed(self.chosen("successful_payment", step.charges))
        elif isinstance(step, Step):
            self.in_time = False
            self.market.clocks[step.worker].advance(step.seconds)
        elif isinstance(step, Deaf):
            telegram.faults.fail("answerPreCheckoutQuery", error_code=403, times=step.times)
        else:
            await telegram.advance(11)

    async def is_not_oversold(self) -> None:
        taken, held = await self.market.shops[0].neonpay.program.pipeline.ledger.read(self.count)
        assert taken + held <= self.seats

    def count(self, transaction: Transaction) -> tuple[int, int]:
        taken = sa.select(invoices.c.seats_taken).where(invoices.c.invoice_id == self.invoice_id)
        held = sa.select(sa.func.count()).where(holds.c.invoice_id == self.invoice_id)
        connection = transaction.connection
        return int(connection.scalar(taken) or 0), int(connection.scalar(held) or 0)

    async def ends(self) -> None:
        """Telegram tells of every charge at last, and what is due for it goes back."""
        await self.market.telegram.advance(11)
        outcomes = [await checkout.outcome() for checkout in self.begun]
        charged = [outcome.charge_id for outcome in outcomes if outcome.charge_id]
        await self.feed([(body, 0) for body in self.updates("successful_payment")])
        for shop in self.market.shops:
            await shop.neonpay.program.drain()
        payments = [await self.settled(charge_id) for charge_id in charged]
        accepted = [payment.charge_id for payment in payments if payment.state is PaymentState.ACCEPTED]
        sent_back = [payment for payment in payments if payment.state is PaymentState.REFUNDED]

        await self.is_not_oversold()
        assert len(accepted) <= self.seats
        if self.in_time:
            assert not sent_back, "who was let through and pays in time is sold to"
        assert len(accepted) + len(sent_back) == len(charged)
        # A handler may run again when a clock passes the end of its job's lease; it runs for nothing else.
        assert self.market.delivered & set(charged) == set(accepted)
        assert sum(PRICE * 1000 - buyer.stars for buyer in self.people) == PRICE * len(accepted)

    async def settled(self, charge_id: str) -> Payment:
        neonpay = self.market.shops[0].neonpay
        async with asyncio.timeout(100):
            while (payment := await neonpay.payments.get(charge_id)).state is PaymentState.REFUND_DUE:
                await between_looks()
            return payment

    def updates(self, kind: str) -> list[dict[str, Any]]:
        bodies: list[dict[str, Any]] = [
            update.body for update in self.market.telegram.updates(self.market.shops[0].account)[self.seen :]
        ]
        return [body for body in bodies if kind in body or kind in body.get("message", {})]

    def chosen(self, kind: str, which: Sequence[tuple[int, int]]) -> list[tuple[dict[str, Any], int]]:
        bodies = self.updates(kind)
        return [(bodies[number % len(bodies)], worker) for number, worker in which] if bodies else []

    async def feed(self, dealt: Sequence[tuple[dict[str, Any], int]]) -> None:
        shops = self.market.shops
        await asyncio.gather(
            *(shops[w].dispatcher.feed_update(shops[w].bot, Update.model_validate(body)) for body, w in dealt)
        )


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def market(runner: asyncio.Runner, database_url: str) -> Iterator[Market]:
    stack = AsyncExitStack()

    async def opened() -> Market:
        telegram = await stack.enter_async_context(Simulator(seed=7))
        clocks = [MovableClock(), MovableClock()]
        account = telegram.bot("shop_bot")
        shops = [Shop(telegram, account, database_url=database_url, clock=clock) for clock in clocks]
        for shop in shops:
            stack.push_async_callback(shop.aclose)
        market = Market(telegram, shops, clocks)
        for shop in shops:
            await shop.neonpay.setup()
        return market

    yield runner.run(opened())
    runner.run(stack.aclose())


def test_no_history_sells_more_than_there_is(runner: asyncio.Runner, market: Market, database_url: str) -> None:
    @settings(
        max_examples=EXAMPLES[sa.make_url(database_url).get_backend_name()],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(seats=st.sampled_from(SEATS), history=histories)
    def no_history(seats: int, history: list[Any]) -> None:
        runner.run(market.sells(seats, history))

    no_history()
