"""Brings the tables of a database to the shape that this program needs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from neonpay.errors import NoLedgerError, SchemaTooNewError, SchemaTooOldError

VERSION_TABLE = "neonpay_schema"
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Every revision that this program knows, oldest first; the last one is what it needs."""
_LOCK = 0x6E656F6E  # "neon"


def upgrade_sqlite(raw: sqlite3.Connection) -> None:
    """Upgrade a file inside one transaction; other processes wait for it.

    Raises:
        SchemaTooNewError: a newer program wrote the file; nothing was changed.
    """
    if _sqlite_revision(raw) == REVISIONS[-1]:
        return
    raw.execute("BEGIN IMMEDIATE")
    try:
        if _sqlite_revision(raw) != REVISIONS[-1]:
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
        SchemaTooNewError: a newer program wrote the tables; nothing was changed.
    """
    if _known(_postgresql_revision(connection)) == REVISIONS[-1]:
        return
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if _known(_postgresql_revision(connection)) != REVISIONS[-1]:
        _upgrade(connection)


def is_current_postgresql(connection: sa.Connection) -> bool:
    """Whether a database has the tables of this program.

    Raises:
        SchemaTooNewError: a newer program wrote them.
    """
    return _known(_postgresql_revision(connection)) == REVISIONS[-1]


def require_sqlite(raw: sqlite3.Connection) -> None:
    """Check that a file has the tables of this program, and change nothing.

    Raises:
        NoLedgerError: it has none.
        SchemaTooOldError, SchemaTooNewError: an older or newer program wrote them.
    """
    _require(_sqlite_revision(raw))


def require_postgresql(connection: sa.Connection) -> None:
    """``require_sqlite`` for a PostgreSQL database."""
    _require(_known(_postgresql_revision(connection)))


def _require(revision: str | None) -> None:
    if revision is None:
        msg = "there is no ledger in this database; give the URL that the bot runs with"
        raise NoLedgerError(msg)
    if revision != REVISIONS[-1]:
        raise SchemaTooOldError(revision, REVISIONS[-1])


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
    # Alembic costs a third of a second to import, so a database that is current never loads it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _sqlite_revision(raw: sqlite3.Connection) -> str | None:
    if raw.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone() is None:
        return None
    row = raw.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608  # a constant of ours
    return _known(None if row is None else row[0])


def _postgresql_revision(connection: sa.Connection) -> str | None:
    if connection.execute(sa.select(sa.func.to_regclass(VERSION_TABLE))).scalar() is None:
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return None if found is None else str(found)


def _known(revision: str | None) -> str | None:
    if revision is not None and revision not in REVISIONS:
        msg = (
            f"the database has schema {revision!r}, written by a newer neonpay; this program knows up to "
            f"{REVISIONS[-1]!r}. Upgrade neonpay; nothing was changed."
        )
        raise SchemaTooNewError(msg)
    return revision
