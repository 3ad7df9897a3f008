"""What holds when a unit lends its connection to somebody else's code."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from neonpay.errors import LedgerError, TransactionEndedError
from neonpay.ledger import Ledger, Transaction
from neonpay.testing._ledger_base import LedgerFixtures
from neonpay.testing._ledger_rows import Refused, everything, put, rows

Code = Callable[[sa.Connection], object]


def _write(connection: sa.Connection, name: str = "lent") -> None:
    connection.execute(sa.insert(rows).values(name=name, value=1))


def _leave(connection: sa.Connection) -> None:
    with connection:
        _write(connection, "in the block")


def _script(connection: sa.Connection) -> None:
    connection.connection.cursor().executescript("SELECT 1")


_ENDINGS: dict[str, Code] = {
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "close": lambda connection: connection.close(),
    "with": _leave,
    "begin": lambda connection: connection.begin(),
    "begin_twophase": lambda connection: connection.begin_twophase(),
    "detach": lambda connection: connection.detach(),
    "invalidate": lambda connection: connection.invalidate(),
    "transaction commit": lambda connection: connection.get_transaction().commit(),  # type: ignore[union-attr]
    "transaction rollback": lambda connection: connection.get_transaction().rollback(),  # type: ignore[union-attr]
    "transaction close": lambda connection: connection.get_transaction().close(),  # type: ignore[union-attr]
    "text": lambda connection: connection.execute(sa.text(" -- done\n /* yes */ ;Commit")),
    "driver sql": lambda connection: connection.exec_driver_sql("COMMIT"),
    "end": lambda connection: connection.exec_driver_sql("END"),
    "raw rollback": lambda connection: connection.exec_driver_sql("ROLLBACK"),
    "raw begin": lambda connection: connection.exec_driver_sql("BEGIN"),
    "raw savepoint": lambda connection: connection.exec_driver_sql("SAVEPOINT mine"),
    "raw rollback to": lambda connection: connection.exec_driver_sql("ROLLBACK TO SAVEPOINT neonpay_lent"),
    "raw release": lambda connection: connection.exec_driver_sql("RELEASE SAVEPOINT neonpay_lent"),
    "cursor": lambda connection: connection.connection.cursor().execute("COMMIT"),
    "script": _script,
    "driver commit": lambda connection: connection.connection.commit(),
    "driver rollback": lambda connection: connection.connection.rollback(),
    "driver close": lambda connection: connection.connection.close(),
    "dbapi commit": lambda connection: connection.connection.dbapi_connection.commit(),  # type: ignore[union-attr]
    "dbapi close": lambda connection: connection.connection.dbapi_connection.close(),  # type: ignore[union-attr]
    "setting": lambda connection: connection.exec_driver_sql("SET search_path TO nowhere"),
    "pragma": lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"),
}


class LendingRules(LedgerFixtures):
    """Whatever the code does, the unit's own writes, and its neighbours, are kept whole or not at all."""

    async def test_what_lent_code_writes_is_part_of_the_unit(self, ledger: Ledger) -> None:
        def code(connection: sa.Connection) -> str:
            _write(connection)
            return "returned"

        def unit(transaction: Transaction) -> str:
            put(transaction, "before")
            returned = transaction.lend(code)
            put(transaction, "after")
            return returned

        assert await ledger.run(unit) == "returned"
        assert set(await ledger.read(everything)) == {"before", "lent", "after"}

    async def test_what_lent_code_raises_undoes_its_own_writes_only(self, ledger: Ledger) -> None:
        error = Refused("changed my mind")

        def code(connection: sa.Connection) -> None:
            _write(connection)
            raise error

        def unit(transaction: Transaction) -> BaseException:
            put(transaction, "before")
            with pytest.raises(Refused) as raised:
                transaction.lend(code)
            put(transaction, "after")
            return raised.value

        assert await ledger.run(unit) is error
        assert set(await ledger.read(everything)) == {"before", "after"}

    @pytest.mark.parametrize(
        "error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, StopIteration, GeneratorExit]
    )
    async def test_an_error_that_is_no_exception_is_undone_like_any(
        self, ledger: Ledger, error: type[BaseException]
    ) -> None:
        def code(connection: sa.Connection) -> None:
            _write(connection)
            raise error

        def unit(transaction: Transaction) -> None:
            with contextlib.suppress(error):
                transaction.lend(code)
            put(transaction, "after")

        await ledger.run(unit)
        assert set(await ledger.read(everything)) == {"after"}

    @pytest.mark.parametrize("ending", _ENDINGS)
    async def test_lent_code_cannot_end_the_transaction(self, ledger: Ledger, ending: str) -> None:
        def code(connection: sa.Connection) -> None:
            _write(connection)
            _ENDINGS[ending](connection)

        def unit(transaction: Transaction, name: str) -> str:
            put(transaction, name)
            try:
                transaction.lend(code)
            except LedgerError as exc:
                put(transaction, f"{name} after")
                return str(exc)
            return "nobody minded"

        refused = asyncio.gather(ledger.run(unit, "refused"), ledger.run(unit, "again"))
        await asyncio.gather(ledger.run(put, "before"), refused, ledger.run(put, "neighbour"))
        assert "nobody minded" not in refused.result()
        await ledger.run(lambda transaction: transaction.lend(lambda connection: _write(connection, "later")))
        expected = {"before", "refused", "refused after", "again", "again after", "neighbour", "later"}
        assert set(await ledger.read(everything)) == expected

    async def test_lent_code_that_overlooks_the_refusal_is_kept_whole(self, ledger: Ledger) -> None:
        def code(connection: sa.Connection) -> None:
            _write(connection, "one")
            with contextlib.suppress(LedgerError):
                connection.commit()
            _write(connection, "two")

        await ledger.run(lambda transaction: transaction.lend(code))
        assert set(await ledger.read(everything)) == {"one", "two"}

    async def test_lent_code_that_ends_the_transaction_by_a_back_door_is_found_out(self, ledger: Ledger) -> None:
        def code(connection: sa.Connection) -> None:
            _write(connection)
            driver = connection.connection
            if connection.dialect.name == "sqlite":
                driver.driver_connection.execute("ROLLBACK")  # type: ignore[union-attr]  # a sqlite3.Connection
            else:
                driver.run_async(lambda raw: raw.execute("ROLLBACK"))

        def unit(transaction: Transaction) -> None:
            put(transaction, "before")
            transaction.lend(code)

        outcomes = await asyncio.gather(
            ledger.run(unit), *[ledger.run(put, f"{n}") for n in range(5)], return_exceptions=True
        )
        assert isinstance(outcomes[0], TransactionEndedError)
        await ledger.run(put, "later")
        assert set(await ledger.read(everything)) == {*[f"{n}" for n in range(5)], "later"}

    async def test_lent_code_may_undo_a_part_of_its_own(self, ledger: Ledger) -> None:
        def code(connection: sa.Connection) -> None:
            _write(connection, "kept")
            with contextlib.suppress(Refused), connection.begin_nested():
                _write(connection, "undone")
                raise Refused
            with connection.begin_nested():
                _write(connection, "kept, too")
            connection.begin_nested()
            _write(connection, "left open")

        await ledger.run(lambda transaction: transaction.lend(code))
        assert set(await ledger.read(everything)) == {"kept", "kept, too", "left open"}

    async def test_a_session_of_the_orm_works_on_a_lent_connection(self, ledger: Ledger) -> None:
        def code(connection: sa.Connection) -> Sequence[str]:
            with Session(connection) as session:
                session.execute(sa.insert(rows).values(name="by session", value=1))
                session.commit()
                return session.scalars(sa.select(rows.c.name)).all()

        assert await ledger.run(lambda transaction: transaction.lend(code)) == ["by session"]
        assert set(await ledger.read(everything)) == {"by session"}

    async def test_a_lent_connection_that_is_kept_is_of_no_use_later(self, ledger: Ledger) -> None:
        kept: list[sa.Connection] = []

        def later(transaction: Transaction) -> None:
            with pytest.raises((LedgerError, sa.exc.StatementError), match="over"):
                _write(kept[0])

        await ledger.run(lambda transaction: transaction.lend(kept.append))
        await ledger.run(later)
        assert await ledger.read(everything) == {}
