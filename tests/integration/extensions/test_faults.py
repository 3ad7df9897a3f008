"""An extension that is wrong, hostile or late keeps no Star from the books, and stops nothing that does not need it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage
from neonpay.core.events import Event
from neonpay.errors import ConfigurationError, PaymentError, ValidationError
from neonpay.ledger.tables import consumers, events, invoices, jobs
from neonpay.payments.extension import Extension, Host, Lent, Quote, SendBack, Settlement, Subscriber
from neonpay.store.periodic import PeriodicTask, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from neonpay.ledger import Transaction
    from tests.integration.conftest import MovableClock, Shop


def delivering(shop: Shop) -> list[str | None]:
    delivered: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    return delivered


class Settles(Extension):
    """Returns what it is told to."""

    name = "settles"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.shown: list[int] = []
        self.shown_as_new: list[str] = []
        self.was_shown = asyncio.Event()

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        self.shown.append(len(payments))
        self.shown_as_new += [one.payment.charge_id for one in payments if one.is_new]
        self.was_shown.set()
        return self.answer(payments) if callable(self.answer) else self.answer  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param("sold out", id="a text"),
        pytest.param(lambda payments: {one.payment.charge_id: "sold out" for one in payments}, id="words alone"),
    ],
)
async def test_an_extension_that_returns_something_else_keeps_no_payment_from_the_books(
    shop: Shop, answer: Any
) -> None:
    delivered = delivering(shop)
    settles = shop.neonpay.use(Settles(answer))
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.fact("payment_delivered")
        states = {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}
        assert states["settle:settles"] != "done"
        settles.answer = {}
    assert delivered == [outcome.charge_id]


async def test_words_that_no_database_takes_are_cleaned_before_they_are_kept(shop: Shop) -> None:
    delivering(shop)
    shop.neonpay.use(
        Settles(lambda payments: {one.payment.charge_id: SendBack("sold\x00 out\ud800") for one in payments})
    )
    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann)
        told = await shop.fact("payment_rejected")
        assert (told.reason or "").startswith("sold")
        await shop.fact("payment_refunded")
        assert ann.stars == 1000


async def test_an_extension_is_not_shown_a_payment_that_is_recorded_again(shop: Shop) -> None:
    delivering(shop)
    settles = shop.neonpay.use(Settles({}))
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.settles()
        await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    # Not as new, it may be shown again: by the task that looks after what was told while the extension was declared.
    assert settles.shown_as_new == [outcome.charge_id]
    assert 0 not in settles.shown


class Quotes(Extension):
    name = "quotes"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def quote(self, transaction: Lent, asked: Any, quote: Quote) -> Quote:
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize("answer", [None, Quote(price_stars=0), Quote(price_stars=True), Quote(price_stars=2**70)])
async def test_a_quote_that_no_invoice_can_have_offers_nothing_and_says_whose_it_is(shop: Shop, answer: object) -> None:
    shop.neonpay.use(Quotes(answer))
    async with shop.neonpay:
        with pytest.raises(ValidationError, match="extension 'quotes'"):
            await shop.neonpay.create_payment_link("vip")


class Counts(Extension):
    """Has a periodic task that is due at once."""

    name = "counts"

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.worked = asyncio.Event()

    def periodic(self) -> Sequence[PeriodicTask]:
        return [PeriodicTask("reconcile", 3600.0, self.work, at_start=True)]

    async def work(self, turn: Turn) -> None:
        self.turns.append(turn.name)
        self.worked.set()


@pytest.mark.parametrize("used", ["before the shop opens", "while it is open"])
async def test_a_periodic_task_of_an_extension_runs_under_a_name_of_its_own(shop: Shop, used: str) -> None:
    counts = Counts()
    if used == "before the shop opens":
        shop.neonpay.use(counts)
    async with shop.neonpay:
        if used != "before the shop opens":
            shop.neonpay.use(counts)
        async with asyncio.timeout(100):
            await counts.worked.wait()
    assert counts.turns == ["counts:reconcile"]


class Runs(Extension):
    """Runs a task group, as one would write it; fails at the start, or later, as often as it is told to."""

    name = "runs"

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.entered = 0
        self.left = 0
        self.first = asyncio.Event()
        self.breaks = asyncio.Event()
        self.again = asyncio.Event()

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        if self.errors:
            raise self.errors.pop(0)
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(self._work())
            self.entered += 1
            self.first.set()
            if self.entered > 1:
                self.again.set()
            yield
            working.cancel()
        self.left += 1

    async def _work(self) -> None:
        await self.breaks.wait()
        self.breaks.clear()
        raise RuntimeError("the pump is stuck")


async def test_what_an_extension_runs_is_entered_again_when_it_fails_and_the_shop_sells_meanwhile(shop: Shop) -> None:
    delivered = delivering(shop)
    runs = shop.neonpay.use(Runs(RuntimeError("the mail server is away")))
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
        async with asyncio.timeout(100):
            await runs.first.wait()
            runs.breaks.set()
            await runs.again.wait()
    assert delivered == [outcome.charge_id]
    assert (runs.entered, runs.left) == (2, 1)


async def test_an_extension_that_is_set_up_wrongly_is_told_at_the_start_and_what_was_paid_is_recorded(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    delivering(shop)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
    wrong = open_shop()
    delivered = delivering(wrong)
    runs = wrong.neonpay.use(Runs(*[ConfigurationError("name a mail server") for _ in range(3)]))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="name a mail server"):
            await wrong.neonpay.setup()
    charge = (await shop.neonpay.payments.get(outcome.charge_id or "")).charge_id
    assert charge == outcome.charge_id
    assert delivered == []
    del runs


class Unheard(Extension):
    name = "unheard"

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.has_heard = asyncio.Event()
        self.fails = True

    def subscribers(self) -> Sequence[Subscriber]:
        return [Subscriber(name="links", events=frozenset({"invoice_created"}), run=self.hear, max_attempts=1)]

    async def hear(self, event: Event) -> None:
        if self.fails:
            raise RuntimeError("nobody is listening")
        self.heard.append(event)
        self.has_heard.set()


async def test_a_dead_letter_about_an_event_is_told_again_by_its_event(shop: Shop) -> None:
    unheard = shop.neonpay.use(Unheard())
    async with shop.neonpay:
        await shop.neonpay.create_payment_link("vip")
        await shop.fact("fulfilment_abandoned")
        (letter,) = await shop.neonpay.jobs.dead_letters()
        unheard.fails = False
        assert await shop.neonpay.jobs.retry_event(letter.event_id) == 1
        async with asyncio.timeout(100):
            await unheard.has_heard.wait()
        with pytest.raises(PaymentError, match="no subscriber has given up"):
            await shop.neonpay.jobs.retry_event("0" * 32)
    assert [event.event_id for event in unheard.heard] == [letter.event_id]


async def test_an_event_of_a_kind_that_nobody_loads_any_more_stops_no_other_job(
    shop: Shop, clock: MovableClock
) -> None:
    delivered = delivering(shop)
    unheard = shop.neonpay.use(Unheard())
    unheard.fails = False

    def forget_the_kind(transaction: Transaction) -> None:
        gone = sa.update(events).where(events.c.name == "invoice_created").values(name="gone_for_good")
        transaction.connection.execute(gone)

    async with shop.neonpay:
        unheard.fails = True
        await shop.neonpay.create_payment_link("vip")
        await shop.fact("fulfilment_abandoned")
        (letter,) = await shop.neonpay.jobs.dead_letters()
        await shop.neonpay.program.pipeline.ledger.run(forget_the_kind)
        await shop.neonpay.jobs.retry_event(letter.event_id)
        await shop.fact("fulfilment_abandoned", count=2)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
    assert delivered == [outcome.charge_id]


async def test_a_consumer_of_a_kind_that_a_newer_program_declares_is_passed_over(shop: Shop) -> None:
    delivered = delivering(shop)

    def declare(transaction: Transaction) -> None:
        newer = {"bot_id": shop.account.id, "consumer": "newer", "kind": "prophesies", "since": 0, "seen_at": 0}
        transaction.connection.execute(sa.insert(consumers).values(newer))

    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(declare)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
    assert delivered == [outcome.charge_id]


async def test_a_payment_recorded_beside_the_declaration_of_an_extension_is_settled_all_the_same(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    def plan_without(transaction: Transaction) -> None:
        """As a transaction that has read the registry before the extension was declared."""
        transaction.connection.execute(sa.delete(jobs).where(jobs.c.consumer == "settle:settles"))

    shop, helper = open_shop(), open_shop()
    delivering(shop)
    settles = helper.neonpay.use(Settles({}))
    async with helper.neonpay:
        pass
    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.fact("payment_delivered")
        await shop.neonpay.program.pipeline.ledger.run(plan_without)
    clock.advance(120)
    async with helper.neonpay:
        async with asyncio.timeout(100):
            await settles.was_shown.wait()


@pytest.mark.parametrize("name", ["neonpay", "handler", "settle", "guard", "trailing-", "Upper", "a" * 32])
async def test_a_name_that_neonpay_uses_itself_or_that_is_none_is_refused(shop: Shop, name: str) -> None:
    extension = type("Named", (Extension,), {"name": name})()
    with pytest.raises(ValidationError):
        shop.neonpay.use(extension)


async def test_an_invoice_that_has_expired_is_declined_by_a_program_whose_clock_is_slow(
    shop: Shop, clock: MovableClock
) -> None:
    shop.neonpay.create_payment_stage(
        "short", PaymentStage(title="Short", description="A minute", price=5, invoice_ttl_s=60)
    )

    def expire(transaction: Transaction) -> None:
        transaction.connection.execute(sa.update(invoices).values(state="expired"))

    async with shop.polling():
        link = await shop.neonpay.create_payment_link("short")
        await shop.neonpay.program.pipeline.ledger.run(expire)
        assert (await (await shop.visitor()).pays(link.link or "")).status != "paid"
