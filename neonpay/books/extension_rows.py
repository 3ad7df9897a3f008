"""The tables of extensions that go along with a bot, as they are on both sides of a move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.errors import ExtensionError
from neonpay.ledger import ExtensionTables, Transaction
from neonpay.ledger.extension_tables import Listed, bring_up, listed
from neonpay.ledger.migrate import standing


@dataclass(frozen=True, slots=True)
class Pair:
    """One table of an extension, as it is read from the source and as it is written to the target."""

    source: sa.Table
    target: sa.Table


def pairs(old: Transaction, new: Transaction, installed: Mapping[str, ExtensionTables]) -> list[Pair]:
    """The tables of extensions that have to be copied, in an order in which they can be; the target has them from here on.

    Those without a row need not be copied. Nothing is written before everything has been looked at in the source.

    Raises:
        ExtensionError: a table cannot be copied; the message says whose it is and what to type.
    """
    there = set(sa.inspect(old.connection).get_table_names())
    needed = [row for row in listed(old) if _has_rows(old, row, there)]
    reflected = _reflected(old, [row.table_name for row in needed])
    for row in needed:
        if "bot_id" not in reflected.tables[row.table_name].c:
            raise ExtensionError(
                row.extension,
                f"its table {row.table_name} has no column bot_id, so that nobody knows which rows to move",
            )
    extensions = {row.extension: row for row in needed}
    for name, row in extensions.items():
        if name in installed:
            bring_up(new, installed[name])
        _require_same_version(old, new, row)
    arrived = _reflected(new, [row.table_name for row in needed])
    for row in needed:
        _require_same_columns(row, reflected.tables[row.table_name], arrived.tables.get(row.table_name))
    of_name = {row.table_name: row for row in needed}
    return [
        _pair(table, arrived.tables[table.name], installed.get(of_name[table.name].extension))
        for table in reflected.sorted_tables
        if table.name in of_name
    ]


def set_counters(new: Transaction, tables: Iterable[sa.Table]) -> None:
    """Let PostgreSQL's own counters go on after the rows that have arrived; SQLite's do so by themselves."""
    if new.connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            counter = sa.func.pg_get_serial_sequence(table.name, column.name)
            if new.connection.execute(sa.select(counter)).scalar() is not None:
                highest = sa.select(sa.func.max(column)).scalar_subquery()
                new.connection.execute(sa.select(sa.func.setval(counter, sa.func.coalesce(highest, 1))))


def _has_rows(old: Transaction, row: Listed, there: set[str]) -> bool:
    if row.table_name not in there:
        finding = f"its table {row.table_name}, which the ledger lists, is not there"
        advice = "restore it; if it was dropped on purpose, delete its row from neonpay_extension_tables"
        raise ExtensionError(row.extension, finding, advice=advice)
    query = sa.select(sa.literal(1)).select_from(sa.table(row.table_name)).limit(1)
    return old.connection.execute(query).first() is not None


def _require_same_version(old: Transaction, new: Transaction, row: Listed) -> None:
    version_table = f"neonpay_ext_{row.extension.replace('-', '_')}_schema"
    before, after = standing(old.connection, version_table), standing(new.connection, version_table)
    if after is not None and (before is None or before.revision != after.revision):
        finding = f"its tables are those of another version of {row.package} than is installed here"
        advice = "start the bot once with the version that is installed here, which upgrades them, and move again"
        raise ExtensionError(row.extension, finding, advice=advice)


def _require_same_columns(row: Listed, source: sa.Table, target: sa.Table | None) -> None:
    if target is None:
        finding = f"its table {row.table_name} has rows, and what makes it in the target is not installed here"
        raise ExtensionError(row.extension, finding, advice=f"pip install {row.package}, and move again")
    if set(source.c.keys()) != set(target.c.keys()):
        finding = f"its table {row.table_name} has other columns in the target"
        advice = f"start the bot once with the {row.package} that is installed here, which upgrades it, and move again"
        raise ExtensionError(row.extension, finding, advice=advice)


def _reflected(transaction: Transaction, names: list[str]) -> sa.MetaData:
    found = sa.MetaData()
    there = set(sa.inspect(transaction.connection).get_table_names())
    found.reflect(transaction.connection, only=[name for name in names if name in there])
    return found


def _pair(source: sa.Table, target: sa.Table, tables: ExtensionTables | None) -> Pair:
    """As the extension declares it where it does, since that has its types; else as each database tells of it."""
    declared = None if tables is None else tables.metadata.tables.get(source.name)
    if declared is not None and set(declared.c.keys()) == set(source.c.keys()):
        return Pair(declared, declared)
    return Pair(source, target)
