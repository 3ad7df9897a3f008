"""What a bot has still to send: rows of its ledger where it has one, else memory, bounded, which goes with the program."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import sqlalchemy as sa

from neonpay.collection.wire import check_to_send, told_of
from neonpay.core.clock import microseconds
from neonpay.errors import ValidationError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.tables_collection import outbox
from neonpay.store.ids import following_id
from neonpay.tracking import SoftEvent

RAW_MAX_BYTES: Final = 768 * 1024
"""Bytes of the events of one batch, unpacked: packed it is shorter than a centre takes, whatever is in them."""
ROW_MAX_EVENTS: Final = 200
_INSERT = Insert(outbox, "bot_id", "batch_id", "alias", "events", "made_at", "body")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Events of one bot that are sent together.

    Attributes:
        alias: what its program calls the bot; None for its id.
        events: each of them JSON.
        keys: which rows they are; empty without a ledger.
    """

    bot_id: int
    alias: str | None
    events: tuple[bytes, ...]
    keys: tuple[str, ...] = ()


class Outbox(Protocol):
    """Holds events until the centre has them."""

    async def hold(self, alias: str | None, events: Sequence[SoftEvent]) -> int:
        """Take events of one bot; how many are not, for want of room or because no centre takes them."""
        ...

    async def bots(self) -> list[int]:
        """The bots of which something waits."""
        ...

    async def next(self, bot_id: int, most: int) -> Parcel | None:
        """What to send next of a bot, in the order in which it came; the same again until it is done or refused."""
        ...

    async def done(self, parcel: Parcel) -> None:
        """The centre has it."""
        ...

    async def refused(self, parcel: Parcel, why: str) -> None:
        """The centre does not want it; it is in nobody's way any more."""
        ...

    async def count(self) -> int:
        """How many events wait."""
        ...


class MemoryOutbox:
    """Holds so many events in memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[int, deque[bytes]] = {}
        self._aliases: dict[int, str | None] = {}

    async def hold(self, alias: str | None, events: Sequence[SoftEvent]) -> int:
        """Take events of one bot; how many are not, for want of room or because no centre takes them."""
        fit = sendable(events)
        room = max(0, self._most - self._count())
        for event in fit[:room]:
            self._waiting.setdefault(event.bot_id, deque()).append(encoded(event))
            self._aliases[event.bot_id] = alias
        return len(events) - min(len(fit), room)

    async def bots(self) -> list[int]:
        """The bots of which something waits."""
        return sorted(bot_id for bot_id, waiting in self._waiting.items() if waiting)

    async def next(self, bot_id: int, most: int) -> Parcel | None:
        """What to send next of a bot."""
        chosen = tuple(_fitting(self._waiting.get(bot_id, ()), most))
        return Parcel(bot_id, self._aliases[bot_id], chosen) if chosen else None

    async def done(self, parcel: Parcel) -> None:
        """Forget it."""
        waiting = self._waiting[parcel.bot_id]
        for _ in parcel.events:
            waiting.popleft()

    async def refused(self, parcel: Parcel, why: str) -> None:
        """Forget it."""
        await self.done(parcel)

    async def count(self) -> int:
        """How many events wait."""
        return self._count()

    def _count(self) -> int:
        return sum(map(len, self._waiting.values()))


class LedgerOutbox:
    """Holds events in rows of a ledger, so that they outlive the program.

    Args:
        most: events that may wait; looked at for each batch that comes.
    """

    def __init__(self, ledger: Ledger, most: int) -> None:
        self._ledger = ledger
        self._most = most

    async def hold(self, alias: str | None, events: Sequence[SoftEvent]) -> int:
        """Take events of one bot; how many are not, for want of room or because no centre takes them."""
        return await self._ledger.run(hold, alias, list(events), self._most)

    async def bots(self) -> list[int]:
        """The bots of which something waits."""
        return await self._ledger.read(_bots)

    async def next(self, bot_id: int, most: int) -> Parcel | None:
        """What to send next of a bot; rows go together while they fit."""
        return await self._ledger.read(_next, bot_id, most)

    async def done(self, parcel: Parcel) -> None:
        """Remove it."""
        await self._ledger.run(_remove, parcel)

    async def refused(self, parcel: Parcel, why: str) -> None:
        """Set it aside; ``forgive`` has it sent again."""
        await self._ledger.run(_refuse, parcel, why)

    async def forgive(self) -> None:
        """Send once more what was refused: another release of the centre may want it."""
        await self._ledger.run(_forgive)

    async def count(self) -> int:
        """How many events wait."""
        return await self._ledger.read(_count)


def hold(transaction: Transaction, alias: str | None, events: Sequence[SoftEvent], most: int) -> int:
    """Have events sent; how many are not. A unit of work, which may run again with the same events."""
    fit = sendable(events)
    room = max(0, most - _count(transaction))
    rows = []
    for chunk in _chunks(fit[:room]):
        first, at_us = chunk[0], microseconds(chunk[0].at)
        batch_id = following_id(first.bot_id, " ".join(event.event_id for event in chunk), at_us)
        body = zlib.compress(msgspec.json.encode([msgspec.Raw(encoded(event)) for event in chunk]))
        rows.append((first.bot_id, batch_id, alias, len(chunk), at_us, body))
    if rows:
        transaction.insert(_INSERT, *rows)
    return len(events) - min(len(fit), room)


def sendable(events: Sequence[SoftEvent]) -> list[SoftEvent]:
    """Those of the events that a centre would take."""
    found = []
    for event in events:
        with suppress(ValidationError):
            check_to_send(event)
            found.append(event)
    return found


def encoded(event: SoftEvent) -> bytes:
    """An event as it is sent."""
    return msgspec.json.encode(told_of(event))


def _chunks(events: Sequence[SoftEvent]) -> Iterator[list[SoftEvent]]:
    """Events of one bot each, few enough and short enough for one row."""
    chunk: list[SoftEvent] = []
    size = 0
    for event in sorted(events, key=lambda event: event.bot_id):  # stable: the order of a bot's own events stays
        length = len(encoded(event))
        is_full = len(chunk) >= ROW_MAX_EVENTS or size + length > RAW_MAX_BYTES
        if chunk and (is_full or chunk[0].bot_id != event.bot_id):
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += length
    if chunk:
        yield chunk


def _fitting(waiting: Sequence[bytes] | deque[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for count, event in enumerate(waiting):
        size += len(event)
        if count and (count >= most or size > RAW_MAX_BYTES):
            return
        yield event


_WAITS = outbox.c.refused.is_(None)


def _bots(transaction: Transaction) -> list[int]:
    query = sa.select(outbox.c.bot_id).where(_WAITS).distinct().order_by(outbox.c.bot_id)
    return [int(bot_id) for bot_id in transaction.connection.execute(query).scalars()]


def _count(transaction: Transaction) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(outbox.c.events), 0)).where(_WAITS)
    return int(transaction.connection.execute(query).scalar_one())


def _next(transaction: Transaction, bot_id: int, most: int) -> Parcel | None:
    row = outbox.c
    query = sa.select(row.batch_id, row.alias, row.body).where(row.bot_id == bot_id, _WAITS).order_by(row.batch_id)
    keys: list[str] = []
    events: list[bytes] = []
    size, known_as = 0, None
    for batch_id, alias, body in transaction.connection.execute(query.limit(most)).all():
        found = [bytes(raw) for raw in msgspec.json.decode(zlib.decompress(body), type=list[msgspec.Raw])]
        size += sum(map(len, found))
        if keys and (len(events) + len(found) > most or size > RAW_MAX_BYTES):
            break
        keys.append(batch_id)
        events += found
        known_as = alias
    return Parcel(bot_id, known_as, tuple(events), tuple(keys)) if keys else None


def _remove(transaction: Transaction, parcel: Parcel) -> None:
    row = outbox.c
    gone = sa.delete(outbox).where(row.bot_id == parcel.bot_id, row.batch_id.in_(parcel.keys))
    transaction.connection.execute(gone)


def _refuse(transaction: Transaction, parcel: Parcel, why: str) -> None:
    row = outbox.c
    mine = (row.bot_id == parcel.bot_id, row.batch_id.in_(parcel.keys))
    transaction.connection.execute(sa.update(outbox).where(*mine).values(refused=why))


def _forgive(transaction: Transaction) -> None:
    transaction.connection.execute(sa.update(outbox).where(outbox.c.refused.is_not(None)).values(refused=None))
