"""Tables that an extension brings: made and upgraded like our own, and listed, so that whatever moves a ledger knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from neonpay.errors import ExtensionError
from neonpay.ledger.migrate import LOCK, standing
from neonpay.ledger.revisions import is_due, revisions_in, upgrade
from neonpay.ledger.tables import extension_tables as listing
from neonpay.ledger.unit import Ledger, Transaction

_OURS = "neonpay_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionTables:
    """The tables of an extension, for the ``tables`` of its class and of its spec.

    A table with a column ``bot_id`` goes along when a bot moves to another database; one without it keeps the bot from moving
    once it has rows.

    Attributes:
        name: of the extension.
        package: what pip installs for it.
        metadata: the tables. Their names begin with ``neonpay_ext_NAME_``, or not with ``neonpay_`` at all.
        migrations: folder with Alembic scripts ``NNNN_what.py``, whose revisions are those four digits, one after the other.
            Without it, tables that are missing are made as ``metadata`` has them, and those that are there stay as they are.

    Raises:
        ExtensionError: there is no table, or the name of one is somebody else's.
    """

    name: str
    package: str
    metadata: sa.MetaData
    migrations: Path | None = None

    def __post_init__(self) -> None:
        prefix = f"{self._prefix}_"
        others = [name for name in self.metadata.tables if name.startswith(_OURS) and not name.startswith(prefix)]
        if others or not self.metadata.tables or self.version_table in self.metadata.tables:
            finding = (
                f"its tables must be there and have names such as {prefix}things; got {sorted(self.metadata.tables)}"
            )
            raise ExtensionError(self.name, finding)

    @property
    def version_table(self) -> str:
        """The table that says how far its migrations have come."""
        return f"{self._prefix}_schema"

    @property
    def _prefix(self) -> str:
        return f"neonpay_ext_{self.name.replace('-', '_')}"


async def ensure_tables(ledger: Ledger, tables: ExtensionTables) -> None:
    """The tables of an extension are there, as its migrations make them, and listed; one reading when they were already.

    Raises:
        SchemaTooNewError: a newer version of its package made them, on which this one must not work.
        ExtensionError: a table of such a name is another extension's, or its migrations do not make what it declares.
        LedgerError: the database did not do it; nothing was kept.
    """
    if await ledger.read(_are_due, tables):
        await ledger.apart.run(bring_up, tables)


def bring_up(transaction: Transaction, tables: ExtensionTables) -> None:
    """The unit of work that makes or upgrades tables; other workers wait for it. Raises as ``ensure_tables`` does."""
    connection = transaction.connection
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if not _are_due(transaction, tables):
        return
    if tables.migrations is None:
        tables.metadata.create_all(connection)
    else:
        upgrade(connection, tables.migrations, tables.version_table, tables.metadata)
    there = set(sa.inspect(connection).get_table_names())
    if missing := sorted(set(tables.metadata.tables) - there):
        raise ExtensionError(tables.name, f"its migrations do not make {', '.join(missing)}")
    connection.execute(sa.delete(listing).where(listing.c.extension == tables.name))
    rows = [
        {"table_name": name, "extension": tables.name, "package": tables.package} for name in tables.metadata.tables
    ]
    connection.execute(sa.insert(listing), rows)


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that a database has of an extension."""

    table_name: str
    extension: str
    package: str


def listed(transaction: Transaction) -> list[Listed]:
    """Every table of an extension that a database has, by name."""
    query = sa.select(listing.c.table_name, listing.c.extension, listing.c.package).order_by(listing.c.table_name)
    return [Listed(*row) for row in transaction.connection.execute(query)]


def _are_due(transaction: Transaction, tables: ExtensionTables) -> bool:
    there = {row.table_name: row for row in listed(transaction)}
    wanted = set(tables.metadata.tables)
    for name in sorted(wanted & set(there)):
        if there[name].extension != tables.name:
            raise ExtensionError(tables.name, f"table {name} is one of the extension {there[name].extension}")
    if tables.migrations is None:
        return not wanted <= set(there)
    found = standing(transaction.connection, tables.version_table)
    if is_due(found, revisions_in(tables.migrations), package=tables.package):
        return True
    known = found is not None and found.revision in revisions_in(tables.migrations)
    # A newer version may have dropped what this one declares no more than it needs it.
    return known and not wanted <= set(there)
