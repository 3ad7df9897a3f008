"""Seals on the journal: entries are chained by hash in batches, so that a change of one that is sealed shows.

A payment never waits for the chain. Its rows are written without a seal, and a periodic task numbers the events that have no
number yet and seals their entries; one that commits late is in a later batch and never left out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.errors import LeaseLostError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import events, journal, seals
from neonpay.store.periodic import PeriodicTask, Turn
from neonpay.store.sequence import lock_numbers, number_events

GENESIS = "0" * 64
"""What the first seal of a bot follows."""
SEAL = "seal"
"""Name of the task that comes round in every shop most often."""
SEAL_EVERY_S = 30.0
_MOST_EVENTS = 256
"""Events of one batch: few milliseconds, because on SQLite payments wait for whoever writes."""
_INSERT = Insert(seals, "bot_id", "number", "rows", "previous_hash", "hash", "sealed_at")
_text = json.JSONEncoder(separators=(",", ":")).encode

EntryRow = tuple[str, str, int, int, int]
"""A journal row as it is sealed: event id, account, Stars, nanostars, and its time in microseconds."""
ENTRY_COLUMNS = (
    journal.c.event_id,
    journal.c.account,
    journal.c.amount_stars,
    journal.c.nanostars,
    sa.type_coerce(journal.c.at, sa.BigInteger).label("at_us"),
)


def seal_hash(bot_id: int, number: int, sealed_at_us: int, previous_hash: str, rows: Iterable[EntryRow]) -> str:
    """SHA-256, in hexadecimal, over a seal and what it seals.

    One line of compact JSON each: first ``[bot id, number, microseconds, previous hash]``, then the rows in the order of
    event id and account. Anybody can compute it again without neonpay.
    """
    return _hash([bot_id, number, sealed_at_us, previous_hash], [_text(row) for row in sorted(rows)])


def is_sealed(wanted: str, head: Sequence[object], lines: str) -> bool:
    """Whether ``seal_hash`` is the wanted one for rows that a database has written as arrays of JSON, one line each.

    Args:
        head: the other arguments of ``seal_hash``, in their order.
    """
    rows = lines.split("\n") if lines else []
    if _hash(head, rows) == wanted:
        return True
    # A database may sort otherwise, and leaves letters as they are that are not ASCII.
    return _hash(head, [_text(row) for row in sorted(map(json.loads, rows))]) == wanted


def _hash(head: Sequence[object], lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([_text(head), *lines, ""]).encode()).hexdigest()


class Sealer:
    """Numbers the events of one bot and seals its journal.

    Args:
        most_events: events of one batch, whose entries are under one seal.
    """

    def __init__(self, ledger: Ledger, bot_id: int, *, most_events: int = _MOST_EVENTS) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._most_events = most_events

    @property
    def task(self) -> PeriodicTask:
        """Seal what is there, again and again."""
        return PeriodicTask(SEAL, SEAL_EVERY_S, self.work)

    async def seal(self) -> int:
        """Number every event that has no number by now and seal its entries; how many rows were sealed."""
        return await self._seal_all(None)

    async def seal_left_out(self) -> int:
        """Seal the entries whose events got their numbers from a program that did not seal them; how many those were.

        It reads the whole journal, so nobody does it again and again.
        """
        left_out = await self._ledger.read(_left_out, self._bot_id)
        sealed = 0
        for first in range(0, len(left_out), self._most_events):
            chunk = left_out[first : first + self._most_events]
            sealed += await self._ledger.run(_seal_these, self._bot_id, chunk)
        return sealed

    async def work(self, turn: Turn) -> None:
        """One turn at the periodic task.

        Raises:
            LeaseLostError: another worker has taken over; the batch was not kept, those before it were.
        """
        await self._seal_all(turn)

    async def _seal_all(self, turn: Turn | None) -> int:
        sealed = 0
        while batch := await self._ledger.run(self._seal, turn):
            sealed += batch.rows
            if batch.events < self._most_events:
                # What has come since is for the next turn: a shop that sells without a pause would have a seal for each sale,
                # which costs several times what the payment does.
                break
            await asyncio.sleep(0)  # payments that wait go first
        return sealed

    def _seal(self, transaction: Transaction, turn: Turn | None) -> _Batch | None:
        return _seal_some(transaction, self._bot_id, most_events=self._most_events, turn=turn)


def seal_all(transaction: Transaction, bot_id: int) -> None:
    """The unit of work after which every event that is visible to it has a number, and its entries a seal.

    All in one transaction: for a ledger that nobody sells on yet, or when few are left.
    """
    while _seal_some(transaction, bot_id, most_events=_MOST_EVENTS):
        pass


def seal_next(transaction: Transaction, bot_id: int, most: int) -> int:
    """The unit of work that numbers at most so many events and seals their entries; how many events those were."""
    batch = _seal_some(transaction, bot_id, most_events=most)
    return 0 if batch is None else batch.events


def _seal_some(transaction: Transaction, bot_id: int, *, most_events: int, turn: Turn | None = None) -> _Batch | None:
    event_ids = number_events(transaction, bot_id, most=most_events)
    if not event_ids:
        return None
    number, rows = _seal_entries(transaction, bot_id, event_ids)
    if turn is not None:
        turn.save(transaction, position=number)
    return _Batch(len(event_ids), rows)


def _seal_entries(transaction: Transaction, bot_id: int, event_ids: Sequence[str]) -> tuple[int, int]:
    """Seal the entries of these events; the number of the newest seal, and how many rows it seals if it is new."""
    connection = transaction.connection
    newest = sa.select(seals.c.number, seals.c.hash).where(seals.c.bot_id == bot_id)
    head = connection.execute(newest.order_by(seals.c.number.desc()).limit(1)).first()
    number, previous_hash = (1, GENESIS) if head is None else (head.number + 1, head.hash)
    # The rows that the statement has sealed are hashed, and not those that an earlier one has seen.
    unsealed = (journal.c.bot_id == bot_id, journal.c.event_id.in_(event_ids), journal.c.seal.is_(None))
    taking = sa.update(journal).where(*unsealed).values(seal=number).returning(*ENTRY_COLUMNS)
    rows: list[EntryRow] = [tuple(row) for row in connection.execute(taking)]
    if rows:
        now_us = int(connection.execute(sa.select(DatabaseNow())).scalar_one())
        hashed = seal_hash(bot_id, number, now_us, previous_hash, rows)
        if not transaction.insert(_INSERT, (bot_id, number, len(rows), previous_hash, hashed, now_us)):
            msg = f"seal {number} is another worker's; nothing of this batch was kept"
            raise LeaseLostError(msg)
    return number if rows else number - 1, len(rows)


def select_left_out(bot_id: int) -> sa.Select[tuple[str]]:
    """The events that have a number and entries without a seal, which are given in one transaction; it reads the journal."""
    is_its = sa.and_(events.c.bot_id == journal.c.bot_id, events.c.event_id == journal.c.event_id)
    query = sa.select(journal.c.event_id).distinct().join(events, is_its)
    return query.where(journal.c.bot_id == bot_id, journal.c.seal.is_(None), events.c.number.is_not(None))


def _left_out(transaction: Transaction, bot_id: int) -> list[str]:
    return [str(row.event_id) for row in transaction.connection.execute(select_left_out(bot_id))]


def _seal_these(transaction: Transaction, bot_id: int, event_ids: Sequence[str]) -> int:
    lock_numbers(transaction, bot_id)
    return _seal_entries(transaction, bot_id, event_ids)[1]


def seal_anew(transaction: Transaction, bot_id: int) -> None:
    """The unit of work that chains a bot's seals anew over what each of them seals, for entries that were another bot's."""
    connection = transaction.connection
    previous = GENESIS
    query = sa.select(seals.c.number, sa.type_coerce(seals.c.sealed_at, sa.BigInteger).label("sealed_at_us"))
    for number, sealed_at_us in connection.execute(
        query.where(seals.c.bot_id == bot_id).order_by(seals.c.number)
    ).all():
        mine = sa.select(*ENTRY_COLUMNS).where(journal.c.bot_id == bot_id, journal.c.seal == number)
        rows: list[EntryRow] = [tuple(row) for row in connection.execute(mine)]
        hashed = seal_hash(bot_id, number, sealed_at_us, previous, rows)
        change = sa.update(seals).where(seals.c.bot_id == bot_id, seals.c.number == number)
        connection.execute(change.values(previous_hash=previous, hash=hashed))
        previous = hashed


class _Batch(NamedTuple):
    events: int
    rows: int
