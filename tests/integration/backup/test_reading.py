"""Rows are read many at a time, in the order that is asked for, and it is proved by reading that they have arrived."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from neonpay.backup import swap_postgresql, swap_sqlite
from neonpay.backup.copy_statement import PART_BYTES, copied_out
from neonpay.backup.filling import Filling, without_indexes
from neonpay.backup.loading import Loading
from neonpay.backup.manifest import SavedTable
from neonpay.backup.reading import ROWS_AT_A_TIME, lines_of
from neonpay.backup.sites import InTransaction
from neonpay.backup.snapshot import Source, at_one_moment
from neonpay.backup.tables import Kept
from neonpay.errors import BackupError
from neonpay.ledger import open_ledger
from neonpay.ledger.migrate import REVISIONS, make_at
from tests.integration.backup.conftest import Kit

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.backup.kinds import Form
    from neonpay.ledger import Transaction
    from neonpay.testing.postgres import PostgresServer

MANY = 3 * ROWS_AT_A_TIME + 7
odd = sa.Table(
    "neonpay_odd",
    sa.MetaData(),
    sa.Column("bot_id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("words", sa.Text),
)
BY_WORDS = Kept(odd, ("words", "bot_id", "name"), ("text", "int", "text"), 1)
BY_KEY = Kept.of(odd)
DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name",
    "postgresql": (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() UNION ALL"
        " SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace ORDER BY 1, 2"
    ),
}


@pytest.fixture
def empty_url(database_url: str, postgres_server: PostgresServer, tmp_path: Path) -> str:
    return (
        f"sqlite:///{tmp_path / 'new.db'}" if database_url.startswith("sqlite") else postgres_server.create_database()
    )


def in_new_database(kit: Kit, url: str, unit: Callable[[Transaction], None]) -> None:
    """As a restore works on it."""
    if url.startswith("sqlite"):
        with swap_sqlite.new_file(Path(url.removeprefix("sqlite:///")), kit.clock) as transaction:
            unit(transaction)
    else:
        swap_postgresql.in_one_transaction(sa.make_url(url), unit, kit.clock)


def lines(count: int, *, words: str = "w") -> list[bytes]:
    return [
        msgspec.json.encode([number // 900, f"{number:06}", f"{words}{count - number:06}"]) for number in range(count)
    ]


def saved(kept: Kept) -> SavedTable:
    return SavedTable(name=kept.name, columns=kept.columns, kinds=kept.kinds, rows=0, chunks=(), key=kept.key)


def filled(transaction: Transaction, kept: Kept, given: list[bytes]) -> Filling:
    odd.create(transaction.connection)
    filling = Filling(odd, saved(kept), "json", {}, lambda: parts(given))
    filling.add(transaction)
    return filling


def parts(given: list[bytes]) -> list[bytes]:
    halves = (given[: len(given) // 2], given[len(given) // 2 :])
    return [b"".join(line + b"\n" for line in half) for half in halves]


def read(transaction: Transaction, kept: Kept, *, is_sorted: bool = True, form: Form = "json") -> list[bytes]:
    return [line for some in lines_of(transaction, kept, form, is_sorted=is_sorted) for line in some]


def test_many_rows_are_read_each_once_in_the_order_of_their_key(kit: Kit, empty_url: str) -> None:
    def unit(transaction: Transaction) -> None:
        given = lines(MANY)
        filled(transaction, BY_KEY, given)
        assert read(transaction, BY_KEY) == given
        by_words = [msgspec.json.encode([row[2], *row[:2]]) for row in map(msgspec.json.decode, given)]
        assert read(transaction, BY_WORDS) == by_words[::-1]

    in_new_database(kit, empty_url, unit)


def test_rows_too_large_to_be_one_value_are_read_fewer_at_a_time(kit: Kit, tmp_path: Path) -> None:
    def unit(transaction: Transaction) -> None:
        given = lines(MANY, words="w" * 300)
        filled(transaction, BY_KEY, given)
        raw = transaction.connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000)
        assert read(transaction, BY_KEY) == given
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 300)
        with pytest.raises(sqlite3.DataError):
            read(transaction, BY_KEY)
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10**9)

    in_new_database(kit, f"sqlite:///{tmp_path / 'new.db'}", unit)


def test_rows_are_read_as_they_were_put_there_where_that_saves_to_sort_them(kit: Kit, empty_url: str) -> None:
    def unit(transaction: Transaction) -> None:
        given = [msgspec.json.encode([f"{number % 7}", 1, f"{number:06}"]) for number in range(MANY)]
        filled(transaction, BY_WORDS, given)
        assert read(transaction, BY_WORDS, is_sorted=False) == given
        assert read(transaction, BY_WORDS) != given

    in_new_database(kit, empty_url, unit)


@pytest.mark.parametrize("is_changed", [False, True])
@pytest.mark.parametrize("is_sorted", [False, True])
def test_another_order_is_no_difference_and_another_word_is_one(
    kit: Kit, empty_url: str, *, is_sorted: bool, is_changed: bool
) -> None:
    def unit(transaction: Transaction) -> None:
        given = sorted(msgspec.json.encode([f"{number:06}", 1, f"{number:06}"]) for number in range(MANY))
        if not is_sorted:
            given = [*given[7:], *given[:7]]  # as a table of PostgreSQL has them
        filling = filled(transaction, BY_WORDS, given)
        first = sa.delete(odd).where(odd.c.name == "000000")
        transaction.connection.execute(first)
        again = {"bot_id": 1, "name": "000000", "words": "another" if is_changed else "000000"}
        transaction.connection.execute(sa.insert(odd), [again])
        assert read(transaction, BY_WORDS, is_sorted=False) != given
        if is_changed:
            with pytest.raises(BackupError, match="not in the database as it is in the backup"):
                filling.prove(transaction)
        else:
            filling.prove(transaction)

    in_new_database(kit, empty_url, unit)


def test_every_index_comes_back_as_it_was_and_is_not_there_while_rows_go_in(kit: Kit, empty_url: str) -> None:
    def unit(transaction: Transaction) -> None:
        connection = transaction.connection
        engine = connection.dialect.name
        make_at(connection, REVISIONS[-1])
        before = connection.exec_driver_sql(DEFINITIONS[engine]).all()
        taken = without_indexes(connection)
        left = {name for name, _ in connection.exec_driver_sql(DEFINITIONS[engine])}
        # A table of SQLite cannot lose a key, nor can those of versions, which are no rows of a backup.
        mine = {name for name in left if engine == "postgresql" or not name.startswith("sqlite_")}
        assert not [name for name in mine if name.endswith(("_pkey", "_key", "_by_user", "_by_time"))]
        for statement in (*[one for _, one in taken.makes], *taken.keys):
            connection.exec_driver_sql(statement)
        assert connection.exec_driver_sql(DEFINITIONS[engine]).all() == before

    in_new_database(kit, empty_url, unit)


def test_nothing_stays_nothing_where_a_table_would_put_something(kit: Kit, empty_url: str) -> None:
    number = sa.Column("number", sa.BigInteger, server_default="5")
    table = sa.Table(
        "neonpay_odd", sa.MetaData(), sa.Column("name", sa.Text, primary_key=True), number, sa.Column("words", sa.Text)
    )
    kept = Kept.of(table)
    given = [msgspec.json.encode([f"{place:06}", None, None]) for place in range(MANY)]

    def unit(transaction: Transaction) -> None:
        table.create(transaction.connection)
        filling = Filling(table, saved(kept), "json", {}, lambda: parts(given))
        filling.add(transaction)
        filling.prove(transaction)
        assert read(transaction, kept) == given

    in_new_database(kit, empty_url, unit)


def test_postgresql_knows_the_tables_that_it_was_given(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer
) -> None:
    """What is asked of them next is planned by what is in them, and not by what may be."""
    kit.fill(postgres_url, rows=40)
    made = kit.save(postgres_url)
    loading = Loading(kit.folder, made, None, kit.note)
    rows: dict[str, float] = {}

    def unit(transaction: Transaction) -> None:
        loading.load(InTransaction(transaction))
        known = "SELECT relname, reltuples FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        rows.update((name, count) for name, count in transaction.connection.exec_driver_sql(known))

    in_new_database(kit, postgres_server.create_database(), unit)
    assert {table.name: rows[table.name] for table in made.tables if table.rows} == {
        table.name: table.rows for table in made.tables if table.rows
    }


def test_what_is_copied_out_comes_in_large_parts(kit: Kit, postgres_url: str) -> None:
    def unit(transaction: Transaction) -> list[int]:
        query = "SELECT repeat('x', 100) FROM generate_series(1, 20000)"
        return [len(part) for part in copied_out(transaction.connection, query, format="text")]

    *parts, last = kit.run(postgres_url, unit)
    assert sum(parts) + last == 20_000 * 101
    assert parts
    assert min(parts) >= PART_BYTES
    assert max(parts) < 4 * PART_BYTES


@pytest.mark.parametrize(("own", "given"), [("1MB", "64MB"), ("100MB", "100MB")])
def test_a_backup_sorts_in_memory_and_takes_nothing_from_who_gives_more(
    kit: Kit, postgres_url: str, own: str, given: str
) -> None:
    name = sa.make_url(postgres_url).database
    kit.run(
        postgres_url, lambda t: t.connection.exec_driver_sql(f"ALTER DATABASE {name} SET work_mem = '{own}'").rowcount
    )
    ledger = open_ledger(postgres_url, as_it_is=True, clock=kit.clock)

    def unit(source: Source) -> object:
        return source.transaction.connection.exec_driver_sql("SHOW work_mem").scalar_one()

    try:
        found = at_one_moment(ledger, unit, clock=kit.clock, rest=lambda: None)
        after = ledger.read_sync(lambda t: t.connection.exec_driver_sql("SHOW work_mem").scalar_one())
    finally:
        ledger.close_sync()
    assert (found, after) == (given, own)
