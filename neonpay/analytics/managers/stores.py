"""Where a manager keeps what it is told, and reads its figures from: memory of its own, or a ledger."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

import sqlalchemy as sa

from neonpay.analytics.managers.roster import is_news, is_registration
from neonpay.analytics.managers.sides import REGISTERED
from neonpay.core.clock import microseconds
from neonpay.errors import LedgerClosedError
from neonpay.ledger import Transaction
from neonpay.ledger.sqlite_transaction import SqliteConnection, SqliteTransaction
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import duties, keys, payments, people, refunds
from neonpay.ledger.tables_collection import collected_bots
from neonpay.ledger.tables_tracking import first_touches, forgotten, soft_events
from neonpay.tracking import SoftEvent, write_soft
from neonpay.tracking.forgetting import forget_told

T = TypeVar("T")
_AT_ONCE: Final = 500
_TABLES: Final = (soft_events, first_touches, forgotten, collected_bots, keys, payments, refunds, people, duties)
"""What figures look into, whether a ledger is there or not; and what is asked before somebody is kept or forgotten."""


class Store(Protocol):
    """Takes events without waiting for anybody, and answers from all that it has taken."""

    @property
    def shed(self) -> int:
        """How many events it has taken and has no longer, or had no room for."""
        ...

    def keep(self, event: SoftEvent) -> None:
        """Take one event."""
        ...

    def write(self, events: Sequence[SoftEvent]) -> int:
        """Take events and have them kept on return; how many were not there yet."""
        ...

    def read(self, unit: Callable[[Transaction], T]) -> T:
        """What a unit of work makes of all that was taken; it does not write."""
        ...

    def clean(self, before: datetime) -> int:
        """Forget the events of before a time; how many that were."""
        ...

    def forget(self, bot_id: int, user_id: int, at_us: int) -> None:
        """Nothing that was told of a bot up to a time names a person, or will."""
        ...

    def close(self) -> None:
        """Keep what is not kept yet, and give everything back."""
        ...


class MemoryStore:
    """A SQLite database in memory with the tables of a ledger, for so many events; the oldest tenth goes when there are more.

    Args:
        most: how many events there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.RLock()
        self._waiting: list[SoftEvent] = []
        self._count = 0
        self._shed = 0
        self._is_closed = False
        self._raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=SqliteConnection)
        # Most managers are never closed. Python says so of every connection that goes with them, from 3.13 on.
        self._give_back = weakref.finalize(self, sqlite3.Connection.close, self._raw)
        self._transaction = SqliteTransaction(self._raw)
        metadata.create_all(self._transaction.connection, _TABLES, checkfirst=False)

    @property
    def shed(self) -> int:
        """How many events it has forgotten to make room."""
        with self._lock:
            if not self._is_closed:
                self._write()
            return self._shed

    def keep(self, event: SoftEvent) -> None:
        """Take one event; after it was closed it is shed, since whoever tells of it may be ending as well."""
        with self._lock:
            if self._is_closed:
                self._shed += 1
                return
            self._waiting.append(event)
            if len(self._waiting) >= _AT_ONCE:
                self._write()

    def write(self, events: Sequence[SoftEvent]) -> int:
        """Take events and have them kept on return; how many were not there yet."""
        with self._lock:
            self._write()
            new = keep_in(self._transaction, events)
            self._count += new
            self._make_room()
            return new

    def read(self, unit: Callable[[Transaction], T]) -> T:
        """What a unit of work makes of all that was taken."""
        with self._lock:
            self._write()
            return unit(self._transaction)

    def clean(self, before: datetime) -> int:
        """Forget the events of before a time; how many that were."""
        with self._lock:
            self._write()
            is_old = sa.and_(soft_events.c.at < microseconds(before), soft_events.c.kind != REGISTERED)
            gone = self._transaction.connection.execute(sa.delete(soft_events).where(is_old)).rowcount
            self._count -= gone
            return gone

    def forget(self, bot_id: int, user_id: int, at_us: int) -> None:
        """Nothing that was told of a bot up to a time names a person, or will; sums of Stars stay."""
        with self._lock:
            self._write()
            forget_told(self._transaction, bot_id, user_id, at_us)
            count = sa.select(sa.func.count()).select_from(soft_events)
            self._count = self._transaction.connection.execute(count).scalar_one()

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._transaction.connection.close()
            self._give_back()

    def _write(self) -> None:
        if self._is_closed:
            msg = "this manager was closed, and what it had in memory is gone; make another one"
            raise LedgerClosedError(msg)
        self._count += keep_in(self._transaction, self._waiting)
        self._waiting.clear()
        self._make_room()

    def _make_room(self) -> None:
        if self._count <= self._most:
            return
        over = self._count - self._most + self._most // 10
        key = (soft_events.c.bot_id, soft_events.c.event_id)
        oldest = sa.select(*key).where(soft_events.c.kind != REGISTERED).order_by(soft_events.c.at, *key).limit(over)
        is_old = sa.tuple_(*key).in_(oldest)
        gone = self._transaction.connection.execute(sa.delete(soft_events).where(is_old)).rowcount
        self._count -= gone
        self._shed += gone


def keep_in(transaction: Transaction, events: Sequence[SoftEvent]) -> int:
    """Keep events, and of registrations those that say something new; how many of all were not there yet."""
    kept = [event for event in events if not is_registration(event) or is_news(transaction, event)]
    return write_soft(transaction, kept)


def kinds_told(transaction: Transaction, bots: Sequence[int]) -> list[tuple[int, str]]:
    """Of which bots which kinds of events are there, names of bots excepted."""
    query = sa.select(soft_events.c.bot_id, soft_events.c.kind).distinct()
    query = query.where(soft_events.c.bot_id.in_(bots), soft_events.c.kind != REGISTERED)
    return [(int(bot), str(kind)) for bot, kind in transaction.connection.execute(query)]


def forget_some(transaction: Transaction, bot: int, kind: str, before: datetime, most: int) -> int:
    """Forget so many events of a kind at most that were before a time; how many that were."""
    is_its = sa.and_(soft_events.c.bot_id == bot, soft_events.c.kind == kind)
    old = sa.select(soft_events.c.event_id).where(is_its, soft_events.c.at < microseconds(before)).limit(most)
    delete = sa.delete(soft_events).where(soft_events.c.bot_id == bot, soft_events.c.event_id.in_(old))
    return transaction.connection.execute(delete).rowcount
