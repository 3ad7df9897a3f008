"""What a shop asks its database while nobody buys anything is counted, minute by minute of a time that a test moves."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_cursor

from neonpay.app import house
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import duties
from neonpay.payments.settings import POLL_S
from neonpay.reconcile.reconciler import RECONCILE_EVERY_S
from tests.integration.payments.faulty_ledger import Faults, FaultyLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.integration.conftest import MovableClock, Shop

MINUTES = 9
STEP_S = 0.5
QUIET_TURNS = 50
"""Turns of the event loop without a unit of work after which nothing is under way."""
TURNS = {"reconcile", "seal", "fan_out", "expire_invoices", "abandon_invoices"}
LOOKS_FOR_JOBS = 60
LOOKS_FOR_TASKS = 12
WRITES = 9
"""Of which two are for each turn at a periodic task."""
AT_MOST = 89
"""Statements per minute; docs/explanation/reliability.md says so."""


class UnderWay(Faults):
    """Counts the units of work that have not ended."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def before(self) -> None:
        self.count += 1

    def after(self) -> None:
        self.count -= 1


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch) -> UnderWay:
    under_way = UnderWay()
    monkeypatch.setattr(
        house, "open_ledger", lambda *args, **kwargs: FaultyLedger(open_ledger(*args, **kwargs), under_way)
    )
    return under_way


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that a driver is given, but for those about transactions and the time of a test."""
    said: list[str] = []
    connect, execute = sqlite3.connect, AsyncAdapt_asyncpg_cursor.execute

    def note(sql: str) -> None:
        if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b", sql) and "set_config" not in sql:
            said.append(sql)

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(note)
        return connection

    def noted(self: AsyncAdapt_asyncpg_cursor, operation: Any, parameters: Any = None) -> Any:
        note(str(operation))
        return execute(self, operation, parameters)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(sqlite3, "connect", traced)
    monkeypatch.setattr(AsyncAdapt_asyncpg_cursor, "execute", noted)
    return said


@pytest.fixture
async def pass_time(
    monkeypatch: pytest.MonkeyPatch, clock: MovableClock, under_way: UnderWay
) -> Callable[[float], Coroutine[None, None, None]]:
    """Lets time pass for timers and for the ledger alike, and everything happen that falls due."""
    loop = asyncio.get_running_loop()
    passed_s, stood_at_s, real_s = 0.0, 0.0, loop.time
    monkeypatch.setattr(loop, "time", lambda: (stood_at_s or real_s()) + passed_s)

    async def quiet() -> None:
        turns = 0
        while turns < QUIET_TURNS:
            await asyncio.sleep(0)
            turns = 0 if under_way.count else turns + 1

    async def pass_time(seconds: float) -> None:
        nonlocal passed_s, stood_at_s
        stood_at_s = real_s()
        for _ in range(int(seconds / STEP_S)):
            passed_s += STEP_S
            clock.advance(STEP_S)
            await quiet()
        stood_at_s = 0.0

    return pass_time


async def test_an_idle_shop_asks_little_of_its_database(
    open_shop: Callable[..., Shop],
    statements: list[str],
    pass_time: Callable[[float], Coroutine[None, None, None]],
    query: Callable[[sa.Select[Any]], Any],
) -> None:
    shop = open_shop(poll_s=POLL_S, reconcile_every_s=RECONCILE_EVERY_S)
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    shop.neonpay.on_refund(name="take back")(lambda: None)
    async with shop.neonpay:
        async with asyncio.timeout(10):
            free = sa.select(duties.c.name).where(duties.c.token.is_(None))
            while {name for (name,) in await query(free)} != TURNS:
                pass
        await pass_time(1)
        statements.clear()
        await pass_time(60 * MINUTES)
        said = list(statements)
    assert len([sql for sql in said if "min(neonpay_jobs.run_at)" in sql]) == LOOKS_FOR_JOBS * MINUTES
    assert len([sql for sql in said if sql.startswith("SELECT neonpay_duties.name")]) == LOOKS_FOR_TASKS * MINUTES
    assert len([sql for sql in said if not sql.startswith("SELECT")]) <= WRITES * MINUTES
    assert len(said) <= AT_MOST * MINUTES
