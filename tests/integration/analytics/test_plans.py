"""Rolling up reads what a batch is about, and not all that was ever paid: on SQLite whoever sells may wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.analytics import Bucket, Period, Split, reports_of, zone_of
from neonpay.analytics.all_rollups import ROLLUPS, Rollup
from neonpay.analytics.new_events import New
from neonpay.analytics.renewed import Renewed
from neonpay.core.clock import moment
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import duties
from neonpay.reconcile.checkpoint import Tally
from neonpay.reconcile.reconciler import RECONCILE
from tests.integration.plans import OF_ALL, OF_ANY_TIME, Noting, noted
from tests.property.report_history import BOTS, History, Payment, write
from tests.property.report_times import BEGIN, DAY_US

if TYPE_CHECKING:
    from neonpay.ledger import Ledger, Transaction

TALLY = Tally(position=3, examined=1, balance=0, compared_us=BEGIN)
COMPARED = {"bot_id": BOTS[0], "name": RECONCILE, "run_at": BEGIN, "position": TALLY.position, "memo": TALLY.memo}
"""What a comparison with Telegram leaves, without which every payment may be one that its list does not have."""


def paid(kind: str, at: int, refunded: int | None = None) -> Payment:
    return Payment(
        bot=BOTS[0],
        user=1,
        stage="plus",
        stars=30,
        currency="XTR",
        state="accepted" if refunded is None else "refunded",
        kind=kind,
        at=BEGIN + at,
        recorded=BEGIN + at,
        refunded=refunded,
        delivered=BEGIN + at + 1,
        invoice=None,
        number=0,
        is_listed=True,
    )


HISTORY = History(payments=(paid("first", 0), paid("renewal", 10), paid("one_off", 20, refunded=30)))


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    ledger = open_ledger(sqlite_url)
    ledger.open_sync()
    ledger.run_sync(write, HISTORY)
    ledger.run_sync(lambda transaction: transaction.connection.execute(sa.insert(duties).values(COMPARED)))
    yield ledger
    ledger.close_sync()


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.task)
def test_a_batch_reads_no_more_than_it_is_about(rollup: Rollup, ledger: Ledger) -> None:
    def found(transaction: Transaction) -> list[str]:
        with noted(transaction) as steps:
            rollup.renew(transaction, New(BOTS[0], 0, 2), Renewed())
        return steps

    assert [step for step in ledger.run_sync(found) if OF_ALL.search(step)] == []


REPORTS: dict[str, Callable[[Any, Period], Awaitable[object]]] = {
    "revenue": lambda reports, period: reports.revenue(period, by=Bucket.WEEK, compare=True),
    **{
        f"revenue by {split}": lambda reports, period, split=split: reports.revenue(period, split=split, compare=True)
        for split in Split
    },
    "orders": lambda reports, period: reports.orders(period),
    "statement": lambda reports, period: reports.statement(period, compare=True),
    "funnel": lambda reports, period: reports.funnel(period),
    "products": lambda reports, period: reports.products(period),
    "attention": lambda reports, _: reports.attention(),
    "delivery times": lambda reports, period: reports.delivery_times(period),
    "subscriptions": lambda reports, period: reports.subscriptions(period),
    "account": lambda reports, period: reports.account(period),
    "customers": lambda reports, period: reports.customers(period),
    "findings": lambda reports, period: reports.findings(period),
    "proceeds": lambda reports, period: reports.proceeds(period),
}


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_keeps_to_a_time_or_to_people(name: str, ledger: Ledger) -> None:
    noting = Noting(ledger)
    reports = reports_of(noting, bots=BOTS[:1])  # type: ignore[arg-type]
    assert await reports.refresh() > 0
    period = Period(since=moment(BEGIN - 30 * DAY_US), until=moment(BEGIN + 30 * DAY_US), zone=zone_of("UTC"))
    await REPORTS[name](reports, period)
    assert [step for step in noting.steps if OF_ANY_TIME.search(step)] == []
