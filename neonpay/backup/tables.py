"""Which tables a backup has, which of them are secrets, and in which order it reads their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from neonpay.backup.manifest import Kind, SavedExtension
from neonpay.backup.values import kind_of
from neonpay.errors import BackupError
from neonpay.ledger import Transaction
from neonpay.ledger.extension_tables import listed
from neonpay.ledger.migrate import standing
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import extension_tables, keys, numbered_until, payments
from neonpay.ledger.tables_access import accounts, login_links, login_tries, sessions
from neonpay.ledger.tables_collection import collection_secrets
from neonpay.ledger.tables_notifications import notification_endpoints, notifications

SECRET: Final = frozenset(table.name for table in (keys, accounts, notification_endpoints, collection_secrets))
"""Tables with something in them that opens a door: they are in a backup that is encrypted, and in no other."""
NEVER: Final = frozenset(table.name for table in (sessions, login_links, login_tries, numbered_until))
"""Who was in, and by which link: it is over when a backup is brought back, and is in none. What is true of one database's way
of numbering events is found out again."""
_WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        keys.name: "the keys that sign invoices: payments of invoices of before will have to be decided on one by one",
        accounts.name: "who may enter the dashboard: run `neonpay dashboard password NAME` again",
        notification_endpoints.name: "programs that are told of events: run `neonpay notifications endpoints add URL` again",
        collection_secrets.name: "the secrets of a centre of several bots",
    }
)
_ORDER: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        payments.name: ("bot_id", "paid_at", "charge_id"),
        notifications.name: ("bot_id", "made_at", "note_id"),
    }
)
"""By time, where the primary key has no order: so what is new is at the end, and the chunks before it stay as they are."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One table as a backup reads it.

    Attributes:
        key: how many of the first columns order the rows.
    """

    table: sa.Table
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    key: int
    extension: str | None = None

    @property
    def name(self) -> str:
        """Its name in the database."""
        return str(self.table.name)

    @classmethod
    def of(cls, table: sa.Table, extension: str | None = None) -> Kept:
        """A table of the ledger, or of an extension; raises BackupError when it has values that no backup can keep."""
        # As plain text: SQLAlchemy's own names are of a type of their own.
        first = _ORDER.get(table.name, tuple(str(column.name) for column in table.primary_key.columns))
        names = (*first, *[str(column.name) for column in table.columns if column.name not in first])
        kinds = tuple(kind_of(table.c[name]) for name in names)
        return cls(table, names, kinds, len(first), extension)

    def count(self, transaction: Transaction) -> int:
        """How many rows it has."""
        query = sa.select(sa.func.count()).select_from(self.table)
        return int(transaction.connection.execute(query).scalar_one())


def own_tables() -> list[Kept]:
    """Every table of the ledger that a backup has."""
    return [
        Kept.of(table) for table in metadata.sorted_tables if table.name not in NEVER and table is not extension_tables
    ]


def tables_of_extensions(transaction: Transaction) -> tuple[list[Kept], list[SavedExtension]]:
    """Every table of an extension that the ledger lists, in an order in which they can be written, and whose they are.

    Raises:
        BackupError: a table that is listed is not there.
    """
    rows = listed(transaction)
    there = set(sa.inspect(transaction.connection).get_table_names())
    missing = [row for row in rows if row.table_name not in there]
    if missing:
        msg = (
            f"table {missing[0].table_name} of extension {missing[0].extension}, which the ledger lists, is not there; if it "
            "was dropped on purpose, delete its row from neonpay_extension_tables"
        )
        raise BackupError(msg)
    reflected = sa.MetaData()
    names = {row.table_name: row.extension for row in rows}
    if names:
        reflected.reflect(transaction.connection, only=list(names))
    kept = [Kept.of(table, names[table.name]) for table in reflected.sorted_tables if table.name in names]
    packages = {row.extension: row.package for row in rows}
    return kept, [
        SavedExtension(name=name, package=package, revision=revision_of(transaction, name))
        for name, package in sorted(packages.items())
    ]


def revision_of(transaction: Transaction, extension: str) -> str | None:
    """How far the tables of an extension have come; None when it has no migrations."""
    found = standing(transaction.connection, f"neonpay_ext_{extension.replace('-', '_')}_schema")
    return None if found is None else found.revision


def why_left_out(names: Sequence[str]) -> tuple[str, ...]:
    """What a backup lacks that has no rows of these tables, in words."""
    return tuple(_WHY[name] for name in names)
