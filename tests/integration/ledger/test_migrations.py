"""The tables that migrations make are the tables that the program was written for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from neonpay.errors import LedgerError
from neonpay.ledger import Transaction, migrate, open_ledger, tables
from neonpay.store.sequence import last_number, number_events

IN_THE_WAY = "neonpay_steps"
"""A table that the first revision makes after others."""


def schema(transaction: Transaction) -> set[tuple[str, ...]]:
    """Everything about our tables and indexes that the database itself can tell, but for the version table."""
    connection = transaction.connection
    if connection.dialect.name == "sqlite":
        query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'view'"
    else:
        query = (
            "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT table_name, column_name, concat_ws(' ', data_type, is_nullable, column_default) "
            "FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    found = connection.exec_driver_sql(query)
    return {tuple(re.sub(r"\s+", " ", str(v)) for v in row) for row in found if migrate.VERSION_TABLE not in str(row)}


def drop(transaction: Transaction, *names: str) -> None:
    """Drop tables, and first the views that stand on them."""
    drop_views(transaction)
    for name in names:
        transaction.connection.execute(sa.text(f"DROP TABLE {name}"))


def drop_views(transaction: Transaction) -> None:
    for name in sa.inspect(transaction.connection).get_view_names():
        transaction.connection.execute(sa.text(f"DROP VIEW {name}"))


def leave_only_a_table_in_the_way(transaction: Transaction) -> None:
    drop(transaction, *our_tables(transaction))
    transaction.connection.execute(sa.text(f"CREATE TABLE {IN_THE_WAY} (something int)"))


def make_anew(transaction: Transaction, revision: str) -> None:
    """Tables as an earlier program made them, with nothing in them."""
    drop(transaction, *our_tables(transaction))
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes.update(
        connection=transaction.connection, version_table=migrate.VERSION_TABLE, metadata=tables.metadata
    )
    command.upgrade(config, revision)


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
        drop_views(transaction)
        tables.metadata.drop_all(transaction.connection)
        tables.metadata.create_all(transaction.connection)
        return schema(transaction)

    ledger = open_ledger(database_url)
    try:
        migrated = await ledger.run(schema)
        made = await ledger.run(made_again)
    finally:
        await ledger.close()
    assert migrated == made


async def test_an_upgrade_that_fails_in_the_middle_leaves_nothing(database_url: str) -> None:
    witness, upgraded = open_ledger(database_url), open_ledger(database_url)
    try:
        await witness.run(leave_only_a_table_in_the_way)
        with pytest.raises(LedgerError):
            await upgraded.open()
        assert await witness.read(our_tables) == {IN_THE_WAY}
        await witness.run(lambda transaction: drop(transaction, IN_THE_WAY))
        assert await upgraded.read(our_tables) == {*tables.metadata.tables, migrate.VERSION_TABLE}
    finally:
        await upgraded.close()
        await witness.close()


async def test_the_tables_of_the_host_bot_are_left_alone(database_url: str) -> None:
    def take_an_order(transaction: Transaction) -> None:
        transaction.connection.execute(sa.text("CREATE TABLE orders (x int)"))
        transaction.connection.execute(sa.text("INSERT INTO orders VALUES (7)"))

    def ordered(transaction: Transaction) -> object:
        return transaction.connection.scalar(sa.text("SELECT sum(x) FROM orders"))

    witness = open_ledger(database_url)
    try:
        await witness.run(leave_only_a_table_in_the_way)
        await witness.run(lambda transaction: drop(transaction, IN_THE_WAY))
        await witness.run(take_an_order)
        upgraded = open_ledger(database_url)
        assert await upgraded.read(ordered) == 7
        assert await upgraded.read(our_tables) == {*tables.metadata.tables, migrate.VERSION_TABLE}
        await upgraded.close()
    finally:
        await witness.close()


def test_the_program_knows_the_revisions_that_it_ships_and_they_are_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == list(migrate.REVISIONS)
    assert scripts.get_heads() == [migrate.REVISIONS[-1]]
    for script in scripts.walk_revisions():
        if script.revision >= "0009":
            assert script.module.works_with in migrate.REVISIONS, script.revision
            assert script.module.works_with <= script.revision, "a program that knows it knows what it works with"


async def test_payments_of_before_there_were_holds_count_as_seats_but_for_renewals(database_url: str) -> None:
    def go_back_to(transaction: Transaction) -> None:
        make_anew(transaction, "0003")
        for invoice_id, count in (("new", 0), ("sold", 2), ("monthly", 3)):
            transaction.connection.execute(
                sa.text(
                    "INSERT INTO neonpay_invoices (bot_id, invoice_id, stage_id, stage_version, price_stars, payload, metadata,"
                    " state, created_at, payments_count, held_by, held_until) VALUES"
                    " (7, :invoice_id, 'seat', 1, 5, '', '{}', 'sent', 1, :count, 8, 9)"
                ),
                {"invoice_id": invoice_id, "count": count},
            )
        for charge_id, is_first in (("a", 1), ("b", 0), ("c", 0)):
            transaction.connection.execute(
                sa.text(
                    "INSERT INTO neonpay_payments (bot_id, charge_id, event_id, user_id, amount_stars, currency, state,"
                    " invoice_id, number, payload, paid_at, recorded_at, source, is_recurring, is_first_recurring) VALUES"
                    " (7, :charge_id, :charge_id, 8, 5, 'XTR', 'accepted', 'monthly', 1, '', 1, 1, 'update', 1, :is_first)"
                ),
                {"charge_id": charge_id, "is_first": is_first},
            )

    def seats(transaction: Transaction) -> dict[str, int]:
        rows = transaction.connection.execute(sa.select(tables.invoices.c.invoice_id, tables.invoices.c.seats_taken))
        return {row.invoice_id: row.seats_taken for row in rows}

    witness, upgraded = open_ledger(database_url), open_ledger(database_url)
    try:
        await witness.run(go_back_to)
        assert await upgraded.read(seats) == {"new": 0, "sold": 2, "monthly": 1}
    finally:
        await upgraded.close()
        await witness.close()


async def test_events_that_wait_for_a_number_when_the_tables_are_upgraded_get_it(database_url: str) -> None:
    def go_back_to(transaction: Transaction) -> None:
        make_anew(transaction, "0024")
        transaction.connection.execute(sa.text("INSERT INTO neonpay_sequences (bot_id, last_number) VALUES (7, 2)"))
        for event_id, number in (("b", 1), ("d", 2), ("a", None), ("c", None), ("e", None)):
            transaction.connection.execute(
                sa.text(
                    "INSERT INTO neonpay_events (bot_id, event_id, name, at, number)"
                    " VALUES (7, :event_id, 'promised', 1, :number)"
                ),
                {"event_id": event_id, "number": number},
            )

    witness, upgraded = open_ledger(database_url), open_ledger(database_url)
    try:
        await witness.run(go_back_to)
        batches = [await upgraded.run(number_events, 7, most=2) for _ in range(3)]
        assert batches == [["a", "c"], ["e"], []]
        assert await upgraded.read(last_number, 7) == 5
    finally:
        await upgraded.close()
        await witness.close()
