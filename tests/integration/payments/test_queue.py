"""A look for work reads what is this program's to do, however much others have left and however much is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.tables import jobs
from neonpay.payments.jobs import JobStore
from neonpay.store.job_rows import INSERT_JOB

if TYPE_CHECKING:
    from tests.integration.conftest import MovableClock

BOT_ID = 7


def fill(transaction: Transaction) -> None:
    """Twenty thousand jobs that are done, two thousand that wait for a consumer of another program, and three of ours."""
    transaction.connection.execute(sa.delete(jobs))
    for start in range(0, 20_000, 1_000):
        rows = [(BOT_ID, f"d{n}", "handler:ours", f"c{n}", "done", 1, 0, 1) for n in range(start, start + 1_000)]
        transaction.insert(INSERT_JOB, *rows)
    theirs = [(BOT_ID, f"t{n}", "handler:theirs", f"c{n}", "ready", 0, -1_000_000, None) for n in range(2_000)]
    ours = [(BOT_ID, f"o{n}", "handler:ours", f"c{n}", "ready", 0, 0, None) for n in range(3)]
    transaction.insert(INSERT_JOB, *theirs, *ours)
    transaction.connection.exec_driver_sql("ANALYZE")


async def plans(url: str, clock: MovableClock, look: Any) -> list[str]:
    """How the database carries out the statements about jobs that a look makes."""
    ledger = open_ledger(url, clock=clock)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if "neonpay_jobs" in text:
            asked.append((text, values))

    def explain(transaction: Transaction, text: str, values: Any) -> str:
        word = "EXPLAIN" if transaction.connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        return "\n".join(str(tuple(row)) for row in transaction.connection.exec_driver_sql(f"{word} {text}", values))

    await ledger.run(fill)
    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        await look(JobStore(ledger, BOT_ID, clock=clock, new_token=iter(range(1, 99)).__next__, lease_s=30), ledger)
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
        return [await ledger.run(explain, text, values) for text, values in asked]
    finally:
        if sa.event.contains(sa.engine.Engine, "before_cursor_execute", note):
            sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
        await ledger.close()


async def test_a_look_for_due_jobs_reads_the_index_of_its_consumers(database_url: str, clock: MovableClock) -> None:
    async def look(book: JobStore, ledger: Ledger) -> None:
        ((consumer, due_in_s),) = await book.due(["handler:ours", "handler:nobody"])
        assert (consumer, due_in_s <= 0) == ("handler:ours", True)

    (plan,) = await plans(database_url, clock, look)
    assert plan.count("neonpay_jobs_due") >= 2
    assert "Seq Scan on neonpay_jobs" not in plan
    assert "SCAN neonpay_jobs" not in plan


async def test_claiming_reads_the_index_of_its_consumers(database_url: str, clock: MovableClock) -> None:
    async def look(book: JobStore, ledger: Ledger) -> None:
        claimed = await ledger.run(book.claim, {"handler:ours": 10}, most=10, running=())
        assert [job.event_id for job in claimed.leased] == ["o0", "o1", "o2"]

    claim, *_ = await plans(database_url, clock, look)
    assert "neonpay_jobs_due" in claim
    assert "Seq Scan on neonpay_jobs" not in claim
    bounds = [line for line in claim.splitlines() if "Index Cond" in line or "SEARCH neonpay_jobs" in line]
    assert any("run_at <" in line or "run_at<" in line for line in bounds), "what is not due is not read"


async def test_an_idle_look_is_one_statement(database_url: str, clock: MovableClock) -> None:
    async def look(book: JobStore, ledger: Ledger) -> None:
        assert await book.due(["handler:nobody", "neonpay:refund"]) == []

    assert len(await plans(database_url, clock, look)) == 1
