"""What went wrong in a database, in our words: driver errors become LedgerError and nothing else escapes a ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from neonpay.errors import (
    LedgerCorruptError,
    LedgerError,
    LedgerFullError,
    LedgerLockedError,
    LedgerReadOnlyError,
    LedgerUnavailableError,
)

_SQLITE: dict[int, tuple[type[LedgerError], str]] = {
    sqlite3.SQLITE_BUSY: (LedgerLockedError, "another process is writing to the database and did not finish in time"),
    sqlite3.SQLITE_LOCKED: (LedgerLockedError, "another process is writing to the database and did not finish in time"),
    sqlite3.SQLITE_FULL: (LedgerFullError, "no room left for the database; free some space, nothing recorded is lost"),
    sqlite3.SQLITE_READONLY: (
        LedgerReadOnlyError,
        "the database is read-only; check the owner and mode of file and folder",
    ),
    sqlite3.SQLITE_CORRUPT: (LedgerCorruptError, "the database file is damaged; restore a backup, then reconcile"),
    sqlite3.SQLITE_NOTADB: (LedgerCorruptError, "the file is not a SQLite database; check database_url"),
    sqlite3.SQLITE_CANTOPEN: (
        LedgerUnavailableError,
        "the database file cannot be opened; check that its folder exists",
    ),
    sqlite3.SQLITE_IOERR: (LedgerUnavailableError, "the disk failed while the database was used"),
}
"""Primary result codes, https://www.sqlite.org/rescode.html (read 2026-11-21)."""

_POSTGRESQL: tuple[tuple[str, type[LedgerError], str], ...] = (
    ("53100", LedgerFullError, "the PostgreSQL server has no room left; nothing recorded is lost"),
    (
        "25006",
        LedgerReadOnlyError,
        "the PostgreSQL server is read-only (a standby?); point database_url at the primary",
    ),
    ("40", LedgerLockedError, "other transactions were in the way again and again"),
    ("55P03", LedgerLockedError, "a lock was not free in time"),
    ("57014", LedgerLockedError, "a statement took longer than the server allows"),
    ("XX001", LedgerCorruptError, "PostgreSQL reports damaged data"),
    ("XX002", LedgerCorruptError, "PostgreSQL reports a damaged index"),
    ("28", LedgerUnavailableError, "PostgreSQL refuses the login of database_url"),
    ("3D", LedgerUnavailableError, "the database named in database_url does not exist"),
    ("08", LedgerUnavailableError, "the connection to PostgreSQL was lost"),
    ("57P", LedgerUnavailableError, "PostgreSQL is shutting down or starting up"),
    ("53", LedgerUnavailableError, "PostgreSQL is out of connections or memory"),
    ("58", LedgerUnavailableError, "the disk of the PostgreSQL server failed"),
)
"""SQLSTATE prefixes, most exact first, https://www.postgresql.org/docs/current/errcodes-appendix.html (read 2026-11-21)."""


def sqlite_fault(error: sqlite3.Error) -> LedgerError:
    """Our error for one of SQLite's; raise it ``from`` the given one."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        msg = "the database file was deleted or replaced while it was being opened; start the program again"
        return LedgerUnavailableError(f"{msg} ({error})")
    if isinstance(code, int) and code & 0xFF in _SQLITE:
        kind, words = _SQLITE[code & 0xFF]
        return kind(f"{words} ({error})")
    return LedgerError(f"SQLite refused: {error}")


@contextmanager
def sqlite_faults() -> Iterator[None]:
    """Errors of SQLite's are raised as ours, those that SQLAlchemy has put into its own as well."""
    try:
        yield
    except sqlite3.Error as exc:
        raise sqlite_fault(exc) from exc
    except sa.exc.DBAPIError as exc:
        if isinstance(exc.orig, sqlite3.Error):
            raise sqlite_fault(exc.orig) from exc
        raise


def postgresql_fault(error: BaseException, url: sa.URL | None = None) -> LedgerError:
    """Our error for one of PostgreSQL's, of its driver's or of the network's; raise it ``from`` the given one.

    Args:
        url: what was asked; where the database is not to be had, the message names its server, without user and password.
    """
    state = sqlstate(error)
    asked = "" if url is None else f", asked at {server_of(url)}"
    for prefix, kind, words in _POSTGRESQL:
        if state is not None and state.startswith(prefix):
            return kind(f"{words} (SQLSTATE {state}){asked if issubclass(kind, LedgerUnavailableError) else ''}")
    if state is None:
        msg = f"PostgreSQL cannot be reached or did not answer ({type(error).__name__}){asked}"
        return LedgerUnavailableError(msg)
    return LedgerError(f"PostgreSQL refused with SQLSTATE {state}")


def server_of(url: sa.URL) -> str:
    """Server, port and database of a URL of PostgreSQL's, without user and password."""
    return f"{url.host or 'the local server'}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def was_interrupted(error: BaseException) -> bool:
    """Whether an error comes from SQLite having been told to stop."""
    codes = [getattr(cause, "sqlite_errorcode", None) for cause in _causes(error)]
    return any(isinstance(code, int) and code & 0xFF == sqlite3.SQLITE_INTERRUPT for code in codes)


def forked() -> LedgerUnavailableError:
    """The error of a ledger that another process has opened: its connections and threads are not here."""
    return LedgerUnavailableError("the ledger was opened before this process was forked; open another one here")


_UNITS_OWN = ("20", "21", "22", "23", "2F", "38", "39", "42", "P0")
"""Classes of SQLSTATE that speak about what a unit asked for: data, constraints, SQL, a trigger that refuses."""


def is_the_units(error: BaseException) -> bool:
    """Whether an error of PostgreSQL or its driver is about what a unit asked for, and not about the database."""
    state = sqlstate(error)
    if state is not None:
        return state.startswith(_UNITS_OWN)
    # asyncpg refuses a value that does not fit its column before it asks the server.
    return any(isinstance(cause, ValueError) for cause in _causes(error))


def in_sqlalchemys_words(error: Exception, kind: type[Exception]) -> Exception:
    """An error of a driver, whose base class is ``kind``, as SQLAlchemy would raise it; raise it ``from`` the given one.

    Prepared statements go past SQLAlchemy, and a unit's own error is to be of one type whichever way it took.
    """
    found: Exception = sa.exc.DBAPIError.instance(None, None, error, kind)
    return found


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__


def sqlstate(error: BaseException | None) -> str | None:
    """The SQLSTATE that an error, or what caused it, carries."""
    for cause in _causes(error):
        found = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        if isinstance(found, str):
            return found
    return None
