"""What a unit of work may rely on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa

from neonpay.errors import LedgerError, LedgerReadOnlyError
from neonpay.ledger import Among, Insert, Ledger, Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.testing._ledger_base import LedgerFixtures
from neonpay.testing._ledger_rows import (
    ALL,
    PUT,
    VALUE,
    Refused,
    SetClock,
    add,
    everything,
    put,
    put_core,
    put_then_raise,
    rows,
)

_NOW = Statement(sa.select(DatabaseNow()))


class UnitRules(LedgerFixtures):
    """A unit is kept whole or not at all, and is nobody else's business."""

    async def test_a_unit_returns_what_it_returned(self, ledger: Ledger) -> None:
        def unit(transaction: Transaction, one: int, *, two: str) -> tuple[int, str]:
            return one, two

        assert await ledger.run(unit, 1, two="b") == (1, "b")
        assert await ledger.read(unit, 2, two="c") == (2, "c")

    async def test_a_unit_that_raises_leaves_nothing_and_its_error_comes_out_as_it_is(self, ledger: Ledger) -> None:
        error = Refused("changed my mind")
        with pytest.raises(Refused) as raised:
            await ledger.run(put_then_raise, "a", error)
        assert raised.value is error
        assert await ledger.read(everything) == {}

    async def test_a_unit_that_raises_halfway_leaves_no_half(self, ledger: Ledger) -> None:
        await ledger.run(put, "balance", 10)

        def unit(transaction: Transaction) -> None:
            add(transaction, "balance", -10)
            put_core(transaction, "bought")
            put_core(transaction, "bought")  # the key is there

        with pytest.raises(sa.exc.IntegrityError):
            await ledger.run(unit)
        assert await ledger.read(everything) == {"balance": 10}

    async def test_of_units_that_run_together_only_the_one_that_raises_is_undone(self, ledger: Ledger) -> None:
        def unit(transaction: Transaction, n: int) -> None:
            put(transaction, f"{n}", n)
            if n % 3 == 0:
                raise Refused(n)

        outcomes = await asyncio.gather(*[ledger.run(unit, n) for n in range(40)], return_exceptions=True)
        assert [type(outcome) is Refused for outcome in outcomes] == [n % 3 == 0 for n in range(40)]
        assert await ledger.read(everything) == {f"{n}": n for n in range(40) if n % 3}

    async def test_a_unit_sees_nothing_of_one_that_is_undone(self, ledger: Ledger) -> None:
        outcomes = await asyncio.gather(
            *[ledger.run(put_then_raise, f"undone {n}", Refused()) for n in range(10)],
            *[ledger.run(everything) for _ in range(10)],
            *[ledger.run(put_then_raise, f"undone {n}", Refused()) for n in range(10, 20)],
            return_exceptions=True,
        )
        assert outcomes[10:20] == [{}] * 10

    async def test_units_that_change_one_row_at_the_same_time_lose_no_change(self, ledger: Ledger) -> None:
        await ledger.run(put, "stock", 0)
        await asyncio.gather(*[ledger.run(add, "stock") for _ in range(50)])
        assert await ledger.read(everything) == {"stock": 50}

    @pytest.mark.parametrize("ending", ["commit", "rollback"])
    async def test_a_unit_that_ends_the_transaction_itself_is_refused_alone(self, ledger: Ledger, ending: str) -> None:
        def unit(transaction: Transaction) -> None:
            put_core(transaction, "refused")
            getattr(transaction.connection, ending)()

        outcomes = await asyncio.gather(
            ledger.run(put, "before"), ledger.run(unit), ledger.run(put, "after"), return_exceptions=True
        )
        assert isinstance(outcomes[1], LedgerError)
        await ledger.run(put_core, "later")
        assert set(await ledger.read(everything)) == {"before", "after", "later"}

    @pytest.mark.parametrize("ending", ["commit", "rollback"])
    async def test_a_unit_that_overlooks_the_refusal_is_still_kept_whole_or_not_at_all(
        self, ledger: Ledger, ending: str
    ) -> None:
        def unit(transaction: Transaction) -> None:
            put_core(transaction, "one")
            with contextlib.suppress(Exception):
                getattr(transaction.connection, ending)()
            put(transaction, "two")

        try:
            await ledger.run(unit)
        except LedgerError:
            assert await ledger.read(everything) == {}
        else:
            assert set(await ledger.read(everything)) == {"one", "two"}

    async def test_what_a_unit_leaves_in_its_connection_is_not_for_the_next(self, ledger: Ledger) -> None:
        def nested(transaction: Transaction) -> None:
            transaction.connection.begin_nested()
            put_core(transaction, "nested")

        def closed(transaction: Transaction) -> None:
            transaction.connection.close()

        await ledger.run(nested)
        await asyncio.gather(ledger.run(closed), ledger.run(put_core, "next"), return_exceptions=True)
        await ledger.run(put_core, "later")
        await asyncio.gather(*[ledger.read(closed) for _ in range(10)], return_exceptions=True)
        names = [await ledger.read(_names) for _ in range(10)]
        assert names == [names[0]] * 10
        assert {"nested", "later"} <= names[0]

    async def test_a_savepoint_of_a_unit_is_its_own(self, ledger: Ledger) -> None:
        def unit(transaction: Transaction) -> None:
            put_core(transaction, "kept")
            with contextlib.suppress(Refused), transaction.connection.begin_nested():
                put_core(transaction, "undone")
                raise Refused

        await asyncio.gather(ledger.run(unit), ledger.run(put, "neighbour"))
        assert set(await ledger.read(everything)) == {"kept", "neighbour"}

    @pytest.mark.parametrize("error", [StopIteration, asyncio.CancelledError])
    async def test_an_error_that_means_something_to_coroutines_disturbs_nobody(
        self, ledger: Ledger, error: type[BaseException]
    ) -> None:
        outcomes = await asyncio.gather(
            ledger.run(put_then_raise, "a", error()),
            *[ledger.run(put, f"{n}") for n in range(5)],
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], BaseException)
        assert await ledger.read(everything) == {f"{n}": 1 for n in range(5)}

    async def test_a_unit_whose_caller_went_away_is_kept_whole_or_not_at_all(self, ledger: Ledger) -> None:
        def both(transaction: Transaction, n: int) -> None:
            put(transaction, f"{n} one")
            put(transaction, f"{n} two")

        callers = [asyncio.create_task(ledger.run(both, n)) for n in range(10)]
        await asyncio.sleep(0)  # each has handed its unit in
        for caller in callers[::2]:
            caller.cancel()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
        assert outcomes[1::2] == [None] * 5
        found = await ledger.run(everything)
        assert all((f"{n} one" in found) == (f"{n} two" in found) for n in range(10))
        assert all(f"{n} one" in found for n in range(1, 10, 2))

    async def test_sqlalchemy_and_prepared_statements_see_each_other_in_one_unit(self, ledger: Ledger) -> None:
        def unit(transaction: Transaction) -> None:
            put_core(transaction, "core", 1)
            assert transaction.row(VALUE, "core") == (1,)
            put(transaction, "prepared", 2)
            select = sa.select(rows.c.value).where(rows.c.name == "prepared")
            assert transaction.connection.scalar(select) == 2
            add(transaction, "core", 4)
            found = transaction.connection.execute(sa.select(rows))
            assert {row.name: row.value for row in found} == {"core": 5, "prepared": 2}

        await ledger.run(unit)
        assert await ledger.read(everything) == {"core": 5, "prepared": 2}

    async def test_a_statement_tells_how_many_rows_it_changed(self, ledger: Ledger) -> None:
        def unit(transaction: Transaction) -> tuple[int, ...]:
            return put(transaction, "a"), put(transaction, "a"), add(transaction, "a"), add(transaction, "b")

        assert await ledger.run(unit) == (1, 0, 1, 0)
        assert await ledger.run(lambda transaction: transaction.row(VALUE, "b")) is None

    @pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 200])
    async def test_rows_are_inserted_and_asked_for_in_any_number(self, ledger: Ledger, count: int) -> None:
        among = Among(lambda names: sa.select(rows.c.value).where(rows.c.name.in_(names)))
        given = [(f"{n}", n) for n in range(count)]

        def unit(transaction: Transaction) -> tuple[int, int, Sequence[object]]:
            first = transaction.insert(PUT, *given)
            again = transaction.insert(PUT, *given, ("new", -1))
            return first, again, [value for (value,) in transaction.rows_among(among, (), [name for name, _ in given])]

        inserted, again, found = await ledger.run(unit)
        assert (inserted, again) == (count, 1)
        assert sorted(found) == list(range(count))  # type: ignore[type-var]  # they are numbers
        assert len(await ledger.read(lambda transaction: transaction.rows(ALL))) == count + 1

    async def test_values_come_back_as_they_were(self, ledger: Ledger) -> None:
        kinds = sa.Table(
            "neonpay_kinds",
            sa.MetaData(),
            sa.Column("t", sa.Text),
            sa.Column("i", sa.BigInteger),
            sa.Column("b", sa.LargeBinary),
        )
        insert, select = Insert(kinds, "t", "i", "b"), Statement(sa.select(kinds))
        given = {("чай 🌟", 2**63 - 1, bytes(range(256))), ("", -(2**63), b""), (None, None, None)}

        def unit(transaction: Transaction) -> None:
            kinds.create(transaction.connection)
            assert transaction.insert(insert, *given) == 3

        await ledger.run(unit)
        found = await ledger.read(lambda transaction: transaction.rows(select))
        assert {tuple(row) for row in found} == given

    async def test_a_broken_rule_of_the_database_is_the_units_own_error_and_undoes_it(self, ledger: Ledger) -> None:
        overwrite = Statement(sa.insert(rows).values(name=sa.bindparam("n"), value=sa.bindparam("v")), "n", "v")
        await ledger.run(put, "a")

        def unit(transaction: Transaction) -> None:
            put(transaction, "b")
            transaction.execute(overwrite, "a", 2)

        with pytest.raises(sa.exc.IntegrityError):
            await ledger.run(unit)
        assert await ledger.read(everything) == {"a": 1}

    @pytest.mark.parametrize("error", [OSError("no file"), TimeoutError("no answer"), ValueError("no number")])
    async def test_what_a_unit_meets_elsewhere_is_not_the_databases(self, ledger: Ledger, error: Exception) -> None:
        for run in (ledger.run, ledger.apart.run):
            with pytest.raises(type(error)) as raised:
                await run(put_then_raise, "a", error)
            assert str(raised.value) == str(error)
        assert await ledger.read(everything) == {}

    @pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1), StopIteration()])
    async def test_an_order_that_a_unit_raises_does_not_reach_who_waits_for_it(
        self, ledger: Ledger, error: BaseException
    ) -> None:
        for run in (ledger.run, ledger.apart.run):
            with pytest.raises(RuntimeError, match=type(error).__name__):
                await run(put_then_raise, "a", error)
        assert await ledger.read(everything) == {}

    async def test_database_time_is_the_time_of_the_ledgers_clock(self, ledger: Ledger, clock: SetClock) -> None:
        def unit(transaction: Transaction) -> tuple[object, object]:
            return transaction.connection.scalar(sa.select(DatabaseNow())), (transaction.row(_NOW) or [None])[0]

        for at_us in (clock.at_us, clock.at_us + 86_400_000_000, 1):
            clock.at_us = at_us
            assert await ledger.run(unit) == (at_us, at_us)
            assert await ledger.read(unit) == (at_us, at_us)

    async def test_a_reader_cannot_write(self, ledger: Ledger) -> None:
        for write in (put, put_core):
            with pytest.raises(LedgerReadOnlyError):
                await ledger.read(write, "a")
        assert await ledger.read(everything) == {}
        await ledger.run(put, "a")

    async def test_items_of_one_unit_each_get_their_own_result(self, ledger: Ledger) -> None:
        assert await asyncio.gather(*[ledger.run_each(_put_each, n) for n in range(1, 100)]) == list(range(1, 100))
        assert await ledger.read(everything) == {f"{n}": n for n in range(1, 100)}

    async def test_items_that_wait_together_are_handed_over_together(self, ledger: Ledger) -> None:
        handed_over: list[int] = []

        def unit(transaction: Transaction, items: Sequence[int]) -> list[int]:
            handed_over.append(len(items))
            return _put_each(transaction, items)

        await asyncio.gather(*[ledger.run_each(unit, n) for n in range(1, 41)])
        assert sum(handed_over) == 40
        assert len(handed_over) < 10

    async def test_a_caller_that_goes_away_takes_nobody_with_it(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        calls = [asyncio.ensure_future(ledger.run_each(_put_each, n)) for n in range(1, 41)]
        await asyncio.sleep(0)  # each has handed its item in
        for gone in calls[::2]:
            gone.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await ledger.close()
        stayed = set(range(2, 41, 2))
        assert {outcome for outcome in outcomes if not isinstance(outcome, BaseException)} == stayed
        assert {f"{n}" for n in stayed} <= set(await another().read(everything))

    async def test_an_item_that_makes_its_unit_raise_fails_alone(self, ledger: Ledger) -> None:
        outcomes = await asyncio.gather(*[ledger.run_each(_put_each, n) for n in range(10)], return_exceptions=True)
        assert isinstance(outcomes[0], Refused)
        assert outcomes[1:] == list(range(1, 10))
        assert await ledger.read(everything) == {f"{n}": n for n in range(1, 10)}

    @pytest.mark.parametrize(
        "shorten",
        [lambda results: results[:-1], lambda results: [*results, 7], lambda _: None],
        ids=["too few", "too many", "none"],
    )
    async def test_a_unit_without_one_result_per_item_fails_and_keeps_nothing(
        self, ledger: Ledger, shorten: Callable[[Sequence[int]], Sequence[int]]
    ) -> None:
        def unit(transaction: Transaction, items: Sequence[int]) -> Sequence[int]:
            return shorten(_put_each(transaction, items))

        outcomes = await asyncio.gather(*[ledger.run_each(unit, n) for n in range(1, 5)], return_exceptions=True)
        assert all(isinstance(outcome, Exception) for outcome in outcomes)
        assert await ledger.run(everything) == {}


def _put_each(transaction: Transaction, items: Sequence[int]) -> list[int]:
    for item in items:
        put(transaction, f"{item}", item)
        if item == 0:
            raise Refused
    return list(items)


def _names(transaction: Transaction) -> set[str]:
    return set(transaction.connection.execute(sa.select(rows.c.name)).scalars())
