"""A connection for somebody else's code: everything but ending the transaction that it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

import sqlalchemy as sa

from neonpay.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor
    from sqlalchemy.pool import PoolProxiedConnection

SAVEPOINT = "neonpay_lent"
"""Begins before the code that borrows the connection, and has to be there when it returns."""
_INSTEAD = (
    "this connection is lent, and its transaction has writes of others in it: write and return, and neonpay commits; raise, "
    "and what you wrote is undone; use connection.begin_nested() for a part that may fail by itself"
)
_SPACE = re.compile(r"(?:[\s;\ufeff]+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.DOTALL)
_ENDS = re.compile(
    r"(?:COMMIT|END|ROLLBACK|ABORT|BEGIN|START|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION)\b", re.IGNORECASE
)
_NESTED = re.compile(
    r"(?:SAVEPOINT|RELEASE(?:\s+SAVEPOINT)?|ROLLBACK\s+TO(?:\s+SAVEPOINT)?)\s+sa_savepoint_\d+\s*", re.IGNORECASE
)
"""What ``connection.begin_nested()`` says."""
_SETS = re.compile(r"(?:SET\s+(?!LOCAL\b|CONSTRAINTS\b)|RESET\b|DISCARD\b|PRAGMA\s+\w+\s*=)", re.IGNORECASE)
_SET_INSTEAD = (
    "the next transaction on this connection would find the setting: use SET LOCAL, or a connection of your own"
)


class LentConnection(sa.Connection):
    """The transaction of a unit of work, lent to code that may raise anything and must end nothing.

    Raises:
        LedgerError: it was asked to commit, to roll back, to begin or to close; nothing of that was done.
    """

    def __init__(self, owner: sa.Connection) -> None:
        self._lent = _LentDriverConnection(owner.connection)
        super().__init__(owner.engine, cast("PoolProxiedConnection", self._lent), _allow_revalidate=False)
        super().begin()

    def end(self) -> None:
        """The loan is over: whoever has kept the connection cannot use it any more."""
        self._lent.is_over = True

    def begin(self) -> NoReturn:
        """Refused: the transaction has begun."""
        _refuse("begin")

    def begin_twophase(self, xid: Any | None = None) -> NoReturn:
        """Refused: the transaction has begun."""
        _refuse("begin")

    def commit(self) -> NoReturn:
        """Refused: others have written in this transaction, too."""
        _refuse("commit")

    def rollback(self) -> NoReturn:
        """Refused: others have written in this transaction, too."""
        _refuse("roll back")

    def close(self) -> NoReturn:
        """Refused: the connection is its owner's; a ``with`` block would close it."""
        _refuse("close the connection")

    def detach(self) -> NoReturn:
        """Refused: the connection is its owner's."""
        _refuse("close the connection")


class _LentDriverConnection:
    """The driver's connection, which SQLAlchemy and its user see in place of the pool's."""

    __slots__ = ("_owners", "is_over")

    def __init__(self, owners: PoolProxiedConnection) -> None:
        self._owners = owners
        self.is_over = False

    @property
    def dbapi_connection(self) -> _LentDriverConnection:
        return self

    def cursor(self, *args: Any, **kwargs: Any) -> _LentCursor:
        if self.is_over:
            msg = "the connection was lent for the time of the call, which is over; nothing was written"
            raise LedgerError(msg)
        return _LentCursor(self._owners.cursor(*args, **kwargs))

    def commit(self) -> NoReturn:
        _refuse("commit")

    def rollback(self) -> NoReturn:
        _refuse("roll back")

    def close(self) -> NoReturn:
        _refuse("close the connection")

    def detach(self) -> NoReturn:
        _refuse("close the connection")

    def invalidate(self, exception: BaseException | None = None, soft: bool = False) -> None:
        """SQLAlchemy has found the connection to be lost; without an error somebody wants to be rid of it."""
        if exception is None:
            _refuse("close the connection")
        self._owners.invalidate(exception, soft)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owners, name)


class _LentCursor:
    __slots__ = ("_cursor",)

    _cursor: DBAPICursor

    def __init__(self, cursor: DBAPICursor) -> None:
        object.__setattr__(self, "_cursor", cursor)

    def execute(self, operation: str, *args: Any) -> Any:
        _look_at(operation)
        return self._cursor.execute(operation, *args)

    def executemany(self, operation: str, *args: Any) -> Any:
        _look_at(operation)
        return self._cursor.executemany(operation, *args)

    def executescript(self, script: str) -> NoReturn:
        _refuse("commit, as executescript() does")

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(cast("Any", self._cursor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._cursor, name, value)


def _look_at(operation: str) -> None:
    """Refuse a statement that would end the transaction, or would change what later ones find."""
    start = found.end() if (found := _SPACE.match(operation)) else 0
    ends = _ENDS.match(operation, start)
    if ends is not None and not _NESTED.fullmatch(operation, start):
        _refuse(ends[0].upper())
    if _SETS.match(operation, start):
        raise LedgerError(_SET_INSTEAD)


def _refuse(what: str) -> NoReturn:
    msg = f"it is not yours to {what}: {_INSTEAD}"
    raise LedgerError(msg)
