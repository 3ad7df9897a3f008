"""Reports have connections and a time of their own, and nobody who sells waits for one."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.errors import LedgerClosedError, LedgerReadOnlyError, LedgerTimeoutError
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.reading import ReadingLedger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neonpay.ledger import Ledger

LIMIT_S = 0.3
FOR_EVER = {
    "sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "postgresql": "SELECT pg_sleep(3600)",
}


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = open_ledger(database_url)
    await opened.open()
    yield opened
    await opened.close()


def count_for_ever(transaction: Transaction) -> None:
    connection = transaction.connection
    connection.exec_driver_sql(FOR_EVER[connection.dialect.name])


def answer(transaction: Transaction) -> int:
    return int(transaction.connection.execute(sa.select(sa.literal(42))).scalar_one())


async def test_a_report_that_takes_too_long_is_stopped_and_says_what_to_do(ledger: Ledger) -> None:
    with pytest.raises(LedgerTimeoutError, match=r"longer than 0\.3 seconds.*shorter period") as caught:
        await ledger.report(LIMIT_S, count_for_ever)
    assert caught.value.limit_s == LIMIT_S
    assert await ledger.report(60, answer) == 42


async def test_reading_and_writing_go_on_while_as_many_reports_as_there_may_be_are_stuck(ledger: Ledger) -> None:
    begun, release = threading.Semaphore(0), threading.Event()

    def stuck(transaction: Transaction) -> int:
        begun.release()
        release.wait()
        return answer(transaction)

    reports = [asyncio.create_task(ledger.report(3600, stuck)) for _ in range(6)]
    try:
        for _ in range(2):
            await asyncio.to_thread(begun.acquire)
        assert await asyncio.gather(*[ledger.read(answer) for _ in range(20)]) == [42] * 20
        assert await ledger.run(answer) == 42
        assert await asyncio.to_thread(ledger.read_sync, answer) == 42
    finally:
        release.set()
    assert await asyncio.gather(*reports) == [42] * 6


async def test_a_report_writes_nothing(ledger: Ledger) -> None:
    def write(transaction: Transaction) -> None:
        transaction.connection.execute(sa.text("DELETE FROM neonpay_events"))

    with pytest.raises(LedgerReadOnlyError):
        await ledger.report(60, write)


async def test_a_program_that_only_reads_has_reports(ledger: Ledger) -> None:
    assert await ReadingLedger(ledger).report(60, answer) == 42


async def test_a_ledger_that_is_closed_gives_no_report(database_url: str) -> None:
    ledger = open_ledger(database_url)
    await ledger.open()
    assert await ledger.report(60, answer) == 42
    await ledger.close()
    with pytest.raises(LedgerClosedError):
        await ledger.report(60, answer)
