"""The tables that migrations make are the tables that the program was written for."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from neonpay.errors import LedgerError
from neonpay.ledger import Transaction, migrate, open_ledger, tables

LATE = "neonpay_steps"


def schema(transaction: Transaction) -> set[tuple[str, ...]]:
    """Everything about our tables and indexes that the database itself can tell, but for the version table."""
    connection = transaction.connection
    if connection.dialect.name == "sqlite":
        query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = (
            "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT table_name, column_name, concat_ws(' ', data_type, is_nullable, column_default) "
            "FROM information_schema.columns WHERE table_schema = 'public'"
        )
    found = connection.exec_driver_sql(query)
    return {tuple(re.sub(r"\s+", " ", str(v)) for v in row) for row in found if migrate.VERSION_TABLE not in str(row)}


def our_tables(transaction: Transaction) -> set[str]:
    return {name for name in sa.inspect(transaction.connection).get_table_names() if name.startswith("neonpay_")}


async def test_migrated_tables_are_the_tables_of_the_program(database_url: str) -> None:
    def differences(transaction: Transaction) -> list[object]:
        context = MigrationContext.configure(
            transaction.connection,
            opts={"compare_type": True, "include_name": lambda name, *_: name != migrate.VERSION_TABLE},
        )
        return list(compare_metadata(context, tables.metadata))

    ledger = open_ledger(database_url)
    try:
        assert await ledger.read(differences) == []
        assert await ledger.read(our_tables) == {*tables.metadata.tables, migrate.VERSION_TABLE}
    finally:
        await ledger.close()


async def test_migrated_tables_are_stored_as_the_program_would_make_them(database_url: str) -> None:
    def made_again(transaction: Transaction) -> set[tuple[str, ...]]:
        tables.metadata.drop_all(transaction.connection)
        tables.metadata.create_all(transaction.connection)
        return schema(transaction)

    ledger = open_ledger(database_url)
    try:
        migrated = await ledger.run(schema)
        made = await ledger.run(made_again)
    finally:
        await ledger.close()
    assert {_plain(row) for row in migrated} == {_plain(row) for row in made}


async def test_an_upgrade_that_fails_in_the_middle_leaves_nothing(database_url: str) -> None:
    ledger = open_ledger(database_url)
    await ledger.run(lambda transaction: _start_over(transaction))
    await ledger.close()

    stopped = open_ledger(database_url)
    try:
        with pytest.raises(LedgerError):
            await stopped.open()
        assert await _read(database_url, our_tables) == {LATE}
        await _run(database_url, f"DROP TABLE {LATE}")
        assert await stopped.read(our_tables) == {*tables.metadata.tables, migrate.VERSION_TABLE}
    finally:
        await stopped.close()


def test_a_program_that_dies_in_an_upgrade_leaves_nothing(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(statement: str) -> None:
        if LATE in statement:
            raise Killed

    path = tmp_path / "neonpay.db"
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("CREATE TABLE hosts_own (x)")

    def deny(action: int, name: str | None, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_CREATE_TABLE and name == LATE else sqlite3.SQLITE_OK

    raw.set_authorizer(deny)
    with pytest.raises((sqlite3.Error, sa.exc.DBAPIError)):
        migrate.upgrade_sqlite(raw)
    raw.close()
    with sqlite3.connect(path) as found:
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == [("hosts_own",)]
    found.close()


def test_the_program_knows_the_revisions_that_it_ships_and_they_are_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == list(migrate.REVISIONS)
    assert scripts.get_heads() == [migrate.REVISIONS[-1]]
