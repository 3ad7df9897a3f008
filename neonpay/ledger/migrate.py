"""Brings the tables of a database to the shape that this program needs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from neonpay.errors import NoLedgerError, SchemaTooOldError
from neonpay.ledger.revisions import Standing, is_due, note_oldest, revisions_in, upgrade
from neonpay.ledger.table_kit import metadata

VERSION_TABLE = "neonpay_schema"
VERSIONS = Path(__file__).parent / "migrations" / "versions"
REVISIONS = revisions_in(VERSIONS)
"""Every revision that this program knows, oldest first; the last one is what it needs."""
LOCK = 0x6E656F6E  # "neon"


def upgrade_sqlite(raw: sqlite3.Connection) -> None:
    """Upgrade a file inside one transaction; other processes wait for it.

    Raises:
        SchemaTooNewError: a newer program wrote the file and lets this one not work on it; nothing was changed.
    """
    if not _is_due(_sqlite_standing(raw)):
        return
    raw.execute("BEGIN IMMEDIATE")
    try:
        if _is_due(_sqlite_standing(raw)):
            engine = sa.create_engine(
                "sqlite://",
                creator=lambda: _Held(raw),
                poolclass=StaticPool,
                pool_reset_on_return=None,
                hide_parameters=True,
            )
            with engine.connect() as connection:
                _upgrade(connection)
        raw.execute("COMMIT")
    except BaseException:
        raw.execute("ROLLBACK")
        raise


def upgrade_postgresql(connection: sa.Connection) -> None:
    """Upgrade a database inside the given transaction; other workers wait for it.

    Raises:
        SchemaTooNewError: a newer program wrote the tables and lets this one not work on them; nothing was changed.
    """
    if not _is_due(standing(connection)):
        return
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if _is_due(standing(connection)):
        _upgrade(connection)


def make_at(connection: sa.Connection, revision: str) -> None:
    """The tables as a program of a revision made them, in a database that has none; inside the given transaction."""
    if not connection.in_transaction():
        connection.begin()  # else Alembic would begin one, and commit it
    upgrade(connection, VERSIONS, VERSION_TABLE, metadata, to=revision)


def bring_to_newest(connection: sa.Connection) -> None:
    """The tables as this program makes them, inside the given transaction."""
    _upgrade(connection)


def require_program_of(connection: sa.Connection, revision: str) -> None:
    """A program that does not know a revision works on these tables no more, whatever comes after it."""
    note_oldest(connection, VERSION_TABLE, [revision])


def is_current_postgresql(connection: sa.Connection) -> bool:
    """Whether a database has tables that this program works on.

    Raises:
        SchemaTooNewError: a newer program wrote them.
    """
    return not _is_due(standing(connection))


def require_sqlite(raw: sqlite3.Connection) -> None:
    """Check that a file has tables that this program works on, and change nothing.

    Raises:
        NoLedgerError: it has none.
        SchemaTooOldError, SchemaTooNewError: an older program wrote them, or a newer one that lets this one not work on them.
    """
    _require(_sqlite_standing(raw))


def require_postgresql(connection: sa.Connection) -> None:
    """``require_sqlite`` for a PostgreSQL database."""
    _require(standing(connection))


def standing(connection: sa.Connection, version_table: str = VERSION_TABLE) -> Standing | None:
    """How far a database has come; None when it has no such tables."""
    if not sa.inspect(connection).has_table(version_table):
        return None
    return Standing.of(connection.exec_driver_sql(f"SELECT * FROM {version_table}").first())  # noqa: S608


def _require(found: Standing | None) -> None:
    if found is None:
        msg = "there is no ledger in this database; give the URL that the bot runs with"
        raise NoLedgerError(msg)
    if _is_due(found):
        raise SchemaTooOldError(found.revision, REVISIONS[-1])


def _is_due(found: Standing | None) -> bool:
    return is_due(found, REVISIONS, package="neonpay")


class _Held:
    """A connection whose commits and rollbacks are the caller's business."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)

    def commit(self) -> None:
        """Leave it to the caller."""

    def rollback(self) -> None:
        """Leave it to the caller."""


def _upgrade(connection: sa.Connection) -> None:
    upgrade(connection, VERSIONS, VERSION_TABLE, metadata)


def _sqlite_standing(raw: sqlite3.Connection) -> Standing | None:
    if raw.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone() is None:
        return None
    return Standing.of(raw.execute(f"SELECT * FROM {VERSION_TABLE}").fetchone())  # noqa: S608  # a constant of ours
