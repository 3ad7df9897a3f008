"""Rolling up reads what a batch is about, and not all that was ever paid: on SQLite whoever sells may wait for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.analytics.all_rollups import ROLLUPS, Rollup
from neonpay.analytics.new_events import New
from neonpay.analytics.renewed import Renewed
from neonpay.ledger import open_ledger
from tests.property.report_history import BOTS, History, Payment, write
from tests.property.report_times import BEGIN

if TYPE_CHECKING:
    from neonpay.ledger import Transaction

OF_ALL = re.compile(
    r"SCAN neonpay_(payments|events|refunds|invoices)"
    r"|SEARCH neonpay_(payments|events|refunds|invoices) USING .*\(bot_id=\?( AND (paid_at|at|subscription_expires_at)[<>]\?)*\)"
)
"""A step of a plan that goes through all rows of a bot, or of a time."""


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


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.task)
def test_a_batch_reads_no_more_than_it_is_about(rollup: Rollup, sqlite_url: str) -> None:
    history = History(payments=(paid("first", 0), paid("renewal", 10), paid("one_off", 20, refunded=30)))

    def steps(transaction: Transaction) -> list[str]:
        raw = transaction.connection.connection.dbapi_connection
        assert raw is not None
        said: list[str] = []
        raw.set_trace_callback(said.append)  # type: ignore[attr-defined]
        try:
            rollup.renew(transaction, New(BOTS[0], 0, 2), Renewed())
        finally:
            raw.set_trace_callback(None)  # type: ignore[attr-defined]
        assert said
        return [
            str(row[-1])
            for text in said
            for row in transaction.connection.execute(sa.text("EXPLAIN QUERY PLAN " + text.replace(":", r"\:")))
        ]

    ledger = open_ledger(sqlite_url)
    try:
        ledger.open_sync()
        ledger.run_sync(write, history)
        assert [step for step in ledger.run_sync(steps) if OF_ALL.search(step)] == []
    finally:
        ledger.close_sync()
