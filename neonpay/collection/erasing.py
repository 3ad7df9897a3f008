"""A person out of what a bot has still to send, a few batches at a time, and its centre told of it when it sends next."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from neonpay.collection.wire import ERASED, Told, told_of
from neonpay.core.clock import microseconds
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables_collection import outbox
from neonpay.payments.erasing import ErasedThere
from neonpay.store.ids import following_id, new_event_id
from neonpay.tracking import SoftEvent
from neonpay.tracking.money import MONEY

_AT_ONCE: Final = 8
"""Batches that are unpacked in one reading, which nobody waits for."""
_TO_DO: Final = "the bot's program that sends to a centre has the centre forget this person when it sends next"


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of a batch that named the person.

    Attributes:
        before: the batch as it was read; another one is not touched.
        after: without the person; None when nothing is left.
        events: how many are in it.
        removed: how many are not any more.
    """

    batch_id: str
    before: bytes
    after: bytes | None
    events: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Piece:
    until_id: str
    found: tuple[_Left, ...]


async def erase_waiting(ledger: Ledger, bot_id: int, user_id: int, at: datetime) -> ErasedThere:
    """Nothing of the person waits to be sent that was up to a time, but money as nobody's; that they are erased does.

    Batches are read and packed beside whoever sells; what is written is one batch at a time.

    Raises:
        LedgerError: the database failed; call again.
    """
    removed, after = 0, ""
    while (piece := await ledger.apart.read(_piece, bot_id, user_id, microseconds(at), after)) is not None:
        is_done = True
        for left in piece.found:
            # One that was sent meanwhile, or is without somebody else now, is looked at again.
            if await ledger.run(_replace, bot_id, left):
                removed += left.removed
            else:
                is_done = False
        if is_done:
            after = piece.until_id
    told = SoftEvent(event_id=new_event_id(), bot_id=bot_id, kind=ERASED, at=at, user_id=user_id)
    await ledger.run(_tell, told)
    return ErasedThere(removed={"waiting_events": removed} if removed else {}, to_do=_TO_DO)


def _piece(transaction: Transaction, bot_id: int, user_id: int, until_us: int, after: str) -> _Piece | None:
    """The next few batches, and those of them that name the person; None when there are no more."""
    row = outbox.c
    query = sa.select(row.batch_id, row.body).where(row.bot_id == bot_id, row.batch_id > after)
    rows = transaction.connection.execute(query.order_by(row.batch_id).limit(_AT_ONCE)).all()
    if not rows:
        return None
    lefts = (_left(batch_id, bytes(body), user_id, until_us) for batch_id, body in rows)
    return _Piece(rows[-1][0], tuple([left for left in lefts if left is not None]))


def _left(batch_id: str, body: bytes, user_id: int, until_us: int) -> _Left | None:
    raw = zlib.decompress(body)
    if str(user_id).encode() not in raw:  # most batches do not name them, and need not be read
        return None
    events = msgspec.json.decode(raw, type=list[Told])
    kept = list(_without(events, user_id, until_us))
    if kept == events:
        return None
    after = zlib.compress(msgspec.json.encode(kept)) if kept else None
    return _Left(batch_id, body, after, len(kept), len(events) - len(kept))


def _without(events: list[Told], user_id: int, until_us: int) -> Iterator[Told]:
    for event in events:
        if event.user_id != user_id or microseconds(event.at) > until_us:
            yield event
        elif event.kind in MONEY:
            yield msgspec.structs.replace(event, user_id=None, source=None, data={})


def _replace(transaction: Transaction, bot_id: int, left: _Left) -> int:
    row = outbox.c
    this = (row.bot_id == bot_id, row.batch_id == left.batch_id, row.body == left.before)
    change: sa.Delete | sa.Update = sa.delete(outbox).where(*this)
    if left.after is not None:
        change = sa.update(outbox).where(*this).values(events=left.events, body=left.after)
    return transaction.connection.execute(change).rowcount


def _tell(transaction: Transaction, told: SoftEvent) -> None:
    at_us = microseconds(told.at)
    batch_id = following_id(told.bot_id, told.event_id, at_us)
    row = outbox.c
    if transaction.connection.execute(
        sa.select(row.batch_id).where(row.bot_id == told.bot_id, row.batch_id == batch_id)
    ).first():  # this unit has run before
        return
    body = zlib.compress(msgspec.json.encode([told_of(told)]))
    new = {"bot_id": told.bot_id, "batch_id": batch_id, "events": 1, "made_at": at_us, "body": body}
    transaction.connection.execute(sa.insert(outbox).values(new))
