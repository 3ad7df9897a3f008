"""Leases of what runs are kept, whatever one of the handlers does meanwhile."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from neonpay.core.clock import SystemClock
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.tables import jobs
from neonpay.payments.jobs import JobStore
from neonpay.store.job_rows import INSERT_JOB

BOT_ID = 7


def fill(transaction: Transaction) -> None:
    transaction.insert(INSERT_JOB, *[(BOT_ID, f"o{n}", "handler:ours", f"c{n}", "ready", 0, 0, None) for n in range(3)])


def let_run_out(transaction: Transaction) -> None:
    transaction.connection.execute(sa.update(jobs).values(run_at=0))


def renewed(transaction: Transaction) -> list[str]:
    query = sa.select(jobs.c.event_id).where(jobs.c.run_at > 0).order_by(jobs.c.event_id)
    return list(transaction.connection.execute(query).scalars())


def book(ledger: Ledger) -> JobStore:
    return JobStore(ledger, BOT_ID, clock=SystemClock(), new_token=count(1).__next__, lease_s=30)


async def test_a_lease_is_kept_by_its_holder_alone(database_url: str) -> None:
    ledger = open_ledger(database_url)
    await ledger.run(fill)
    leasing = await ledger.run(book(ledger).claim, {"handler:ours": 10}, most=10, running=())
    await ledger.run(let_run_out)
    mine, theirs, also_mine = leasing.leased
    await book(ledger).renew([mine, replace(theirs, token=99), also_mine])
    assert await ledger.read(renewed) == ["o0", "o2"]
    await ledger.close()


async def test_a_handler_that_holds_its_row_keeps_no_other_job_from_its_lease(postgres_url: str) -> None:
    ledger = open_ledger(postgres_url)
    await ledger.run(fill)
    leasing = await ledger.run(book(ledger).claim, {"handler:ours": 10}, most=10, running=())
    await ledger.run(let_run_out)
    handler = await asyncpg.connect(
        make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    async with handler.transaction():
        await handler.execute("SELECT 1 FROM neonpay_jobs WHERE event_id = 'o1' FOR UPDATE")
        await book(ledger).renew(leasing.leased)
        assert await ledger.read(renewed) == ["o0", "o2"]
    await handler.close()
    await ledger.close()
