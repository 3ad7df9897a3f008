"""The periodic task reads so many pages in a turn, and comes back when there is a reason to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay.books.sealing import Sealer
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.errors import LeaseLostError
from neonpay.ledger import Ledger, open_ledger
from neonpay.reconcile.reconciler import RECONCILE, Reconciler, ReconcileRules
from neonpay.store.ids import new_event_id
from neonpay.store.periodic import PeriodicStore, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from neonpay.core.payments import Charge, Payment, RefundNotice
    from tests.integration.conftest import MovableClock

BOT_ID = 42


class Telegram:
    """A list of transactions, oldest first, each worth one Star."""

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self.rows = [self.row(place) for place in range(count)]
        self.pages: list[int] = []
        self.arriving = 0
        """Rows that come in while the balance is asked for."""

    def row(self, place: int, **partner: JsonValue) -> dict[str, JsonValue]:
        date = self._clock.now_us() // 1_000_000
        return {"id": f"t{place}", "amount": 1, "date": date, "source": partner or {"type": "other"}}

    async def call(self, method: str, params: Mapping[str, Any]) -> JsonValue:
        if method == "getMyStarBalance":
            new = range(len(self.rows), len(self.rows) + self.arriving)
            self.rows += [self.row(place) for place in new]
            return {"amount": len(self.rows)}
        self.pages.append(params["offset"])
        return {"transactions": self.rows[params["offset"] :][: params["limit"]]}


@pytest.fixture
async def ledger(database_url: str, clock: MovableClock) -> AsyncIterator[Ledger]:
    ledger = open_ledger(database_url, clock=clock)
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture
def book(ledger: Ledger) -> PeriodicStore:
    tokens = iter(range(1, 100))
    return PeriodicStore(ledger, BOT_ID, new_token=lambda: next(tokens))


async def taken(book: PeriodicStore) -> Turn:
    turn = await book.take(RECONCILE)
    assert turn is not None
    return turn


def reconciler(
    ledger: Ledger,
    clock: Clock,
    telegram: Telegram,
    *,
    charges: list[Charge] | None = None,
    charged: Callable[[Charge], Awaitable[Payment | None]] | None = None,
    refunded: Callable[[RefundNotice], Awaitable[None]] | None = None,
    **rules: Any,
) -> Reconciler:
    async def collected(charge: Charge) -> Payment | None:
        assert charges is not None, charge
        charges.append(charge)
        return None

    async def unexpected(notice: RefundNotice) -> None:
        raise AssertionError(notice)

    async def price_of(payload: str) -> int | None:
        return None

    return Reconciler(
        ledger,
        telegram.call,
        bot_id=BOT_ID,
        clock=clock,
        rules=ReconcileRules(pages_per_s=1e9, **rules),
        charged=charged or collected,
        refunded=refunded or unexpected,
        price_of=price_of,
        number=Sealer(ledger, BOT_ID).seal,
        new_event_id=new_event_id,
        announce=lambda event: None,
    )


async def test_a_turn_reads_its_pages_and_the_next_one_goes_on(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 450)
    compare = reconciler(ledger, clock, telegram, pages_per_turn=2, grace_s=0)
    next_in_s: list[float | None] = []
    for _ in range(3):
        turn = await taken(book)
        next_in_s.append(await compare.work(turn))
        await book.end(turn, next_in_s=0)

    assert next_in_s == [0.0, 0.0, None]
    assert telegram.pages == [0, 100, 199, 299, 398]
    assert (await taken(book)).position == 450


async def test_a_payment_that_may_still_come_is_looked_for_when_its_time_is_over(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 1)
    sale = {"type": "user", "transaction_type": "invoice_payment", "invoice_payload": f"np1.{'x' * 40}"}
    telegram.rows.append(telegram.row(1, **sale))
    assert await reconciler(ledger, clock, telegram).work(await taken(book)) == 60


async def test_a_turn_that_was_taken_over_stops_and_keeps_nothing_more(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 150)
    slow = await taken(book)
    clock.advance(60)
    successor = await taken(book)
    with pytest.raises(LeaseLostError):
        await reconciler(ledger, clock, telegram, grace_s=0).walk(slow)
    report = await reconciler(ledger, clock, telegram, grace_s=0).walk(successor)
    assert (report.checked, report.moved, report.is_clean) == (150, 150, True)


@pytest.mark.parametrize("raw", [{"amount": 1, "date": 1}, "no row at all", {"id": "x", "amount": "1"}, None])
async def test_a_row_that_cannot_be_read_is_counted_and_passed(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock, raw: Any
) -> None:
    telegram = Telegram(clock, 3)
    telegram.rows.insert(1, raw)
    report = await reconciler(ledger, clock, telegram, grace_s=0).walk(await taken(book))
    assert (report.checked, report.moved, report.unreadable, report.is_clean) == (4, 3, 1, False)


async def test_a_payment_of_a_subscription_is_rebuilt_from_its_row(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 0)
    user: dict[str, JsonValue] = {"id": 7, "is_bot": False, "first_name": "Ann"}
    payload = f"np1.{'x' * 40}"
    sale = {"type": "user", "transaction_type": "invoice_payment", "user": user, "invoice_payload": payload}
    telegram.rows.append(telegram.row(0, **sale, subscription_period=2_592_000))
    charges: list[Charge] = []
    await reconciler(ledger, clock, telegram, charges=charges, grace_s=0).walk(await taken(book))

    (charge,) = charges
    assert (charge.charge_id, charge.user_id, charge.amount, charge.currency) == ("t0", 7, 1, "XTR")
    assert (charge.payload, charge.source) == (payload, "reconcile")
    assert (charge.is_recurring, charge.is_first_recurring) == (True, False)
    assert charge.paid_at_us == clock.now_us()
    assert charge.subscription_expires_at_us == charge.paid_at_us + 2_592_000 * 1_000_000


async def test_stars_that_come_during_the_comparison_are_no_drift(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 3)
    telegram.arriving = 2
    report = await reconciler(ledger, clock, telegram, grace_s=0).walk(await taken(book))
    assert (report.drift_stars, report.balance_stars) == (0, 5)
