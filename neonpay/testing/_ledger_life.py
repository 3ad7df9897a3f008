"""How a ledger opens and closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from neonpay.errors import LedgerClosedError, SchemaTooNewError
from neonpay.ledger import Ledger, Transaction
from neonpay.testing._ledger_base import LedgerFixtures
from neonpay.testing._ledger_rows import create, everything, put

_VERSION = sa.table("neonpay_schema", sa.column("version_num"), sa.column("oldest"))


class LifeRules(LedgerFixtures):
    """A ledger opens when it is needed and closes when all that it took is done."""

    async def test_the_first_unit_opens_the_ledger(self, another: Callable[[], Ledger]) -> None:
        ledger = another()
        await asyncio.gather(*[ledger.run(lambda _: None) for _ in range(5)])
        await ledger.run(create)
        assert await another().read(everything) == {}
        assert await asyncio.to_thread(another().read_sync, everything) == {}

    async def test_opening_twice_is_harmless(self, ledger: Ledger) -> None:
        await ledger.run(put, "a")
        await asyncio.gather(ledger.open(), ledger.open())
        await asyncio.to_thread(ledger.open_sync)
        assert await ledger.read(everything) == {"a": 1}

    async def test_what_was_written_is_there_when_a_ledger_opens_again(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        await ledger.run(put, "a")
        await ledger.close()
        assert await another().read(everything) == {"a": 1}

    async def test_closing_finishes_what_was_handed_in(self, ledger: Ledger, another: Callable[[], Ledger]) -> None:
        units = [asyncio.create_task(ledger.run(put, f"{n}")) for n in range(50)]
        await asyncio.sleep(0)  # each has handed its unit in
        await ledger.close()
        assert await asyncio.gather(*units) == [1] * 50
        assert len(await another().read(everything)) == 50

    async def test_closing_finishes_what_was_handed_in_to_a_ledger_that_a_thread_opened(
        self, another: Callable[[], Ledger]
    ) -> None:
        ledger = another()
        await asyncio.to_thread(ledger.open_sync)
        await ledger.run(create)
        units = [asyncio.create_task(ledger.run(put, f"{n}")) for n in range(50)]
        await asyncio.sleep(0)  # each has handed its unit in
        await ledger.close()
        assert await asyncio.gather(*units) == [1] * 50

    async def test_a_unit_that_comes_while_a_ledger_closes_is_kept_or_refused(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        async def hand_in(n: int) -> str | None:
            try:
                await ledger.run(put, f"{n}")
            except LedgerClosedError:
                return None
            return f"{n}"

        first = [asyncio.create_task(hand_in(n)) for n in range(10)]
        await asyncio.sleep(0)  # each has handed its unit in
        closing = asyncio.create_task(ledger.close())
        later = [asyncio.create_task(hand_in(n)) for n in range(10, 40)]
        kept = await asyncio.gather(*first, *later)
        await closing
        assert set(await another().read(everything)) == {name for name in kept if name is not None}

    async def test_closing_while_it_opens_leaves_it_closed(self, another: Callable[[], Ledger]) -> None:
        ledger = another()
        opening = asyncio.create_task(ledger.open())
        await asyncio.sleep(0)
        await ledger.close()
        await asyncio.gather(opening, return_exceptions=True)
        with pytest.raises(LedgerClosedError):
            await ledger.run(everything)

    async def test_a_closed_ledger_says_so_and_writes_nothing(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        await ledger.close()
        for attempt in (ledger.run(put, "a"), ledger.read(everything), ledger.open(), ledger.run_each(_nothing, 1)):
            await _is_refused(attempt)
        await _is_refused(asyncio.to_thread(ledger.run_sync, put, "a"))
        await _is_refused(asyncio.to_thread(ledger.read_sync, everything))
        await _is_refused(asyncio.to_thread(ledger.open_sync))
        assert await another().read(everything) == {}

    async def test_closing_twice_is_harmless(self, ledger: Ledger) -> None:
        await ledger.close()
        await asyncio.gather(ledger.close(), ledger.close())
        await asyncio.to_thread(ledger.close_sync)

    async def test_a_ledger_that_was_never_opened_closes(self, another: Callable[[], Ledger]) -> None:
        await another().close()
        await asyncio.to_thread(another().close_sync)

    async def test_a_thread_may_close_what_an_event_loop_opened(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        units = [asyncio.create_task(ledger.run(put, f"{n}")) for n in range(20)]
        await asyncio.sleep(0)  # each has handed its unit in
        await asyncio.to_thread(ledger.close_sync)
        await asyncio.gather(*units)
        await _is_refused(ledger.run(put, "late"))
        assert len(await another().read(everything)) == 20

    async def test_a_thread_without_an_event_loop_needs_none(self, another: Callable[[], Ledger]) -> None:
        def life() -> object:
            ledger = another()
            ledger.open_sync()
            ledger.run_sync(create)
            ledger.run_sync(put, "a")
            found = ledger.read_sync(everything)
            ledger.close_sync()
            return found

        assert await asyncio.to_thread(life) == {"a": 1}

    async def test_tables_of_a_newer_program_are_refused_and_left_as_they_are(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        [ours] = await ledger.run(_versions)
        await ledger.run(_set_version, "9999", "9999")
        await ledger.run(put, "a")
        older = another()
        for _ in range(2):
            with pytest.raises(SchemaTooNewError, match="9999"):
                await older.open()
        with pytest.raises(SchemaTooNewError, match="9999"):
            await older.run(put, "b")
        assert await ledger.read(_versions) == ["9999"]
        assert await ledger.read(everything) == {"a": 1}
        await ledger.run(_set_version, ours, ours)
        assert await older.run(everything) == {"a": 1}

    async def test_tables_of_a_newer_program_that_lets_this_one_work_are_worked_on_and_left_as_they_are(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        [ours] = await ledger.run(_versions)
        await ledger.run(_set_version, "9999", ours)
        older = another()
        await older.run(put, "a")
        assert await ledger.read(everything) == {"a": 1}
        assert await ledger.read(_versions) == ["9999"]


def _nothing(transaction: Transaction, items: object) -> list[None]:
    return [None]


def _versions(transaction: Transaction) -> list[str]:
    return list(transaction.connection.execute(sa.select(_VERSION.c.version_num)).scalars())


def _set_version(transaction: Transaction, version: str, oldest: str) -> None:
    transaction.connection.execute(sa.update(_VERSION).values(version_num=version, oldest=oldest))


async def _is_refused(attempt: Awaitable[object]) -> None:
    with pytest.raises(LedgerClosedError, match="closed"):
        await attempt
