"""What is to be sent, in the ledger: each message once under its id, claimed before it is tried, marked when it has gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.jsontext import dump_whatever, load_object
from neonpay.core.text import clean
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_notifications import IS_WAITING, notification_attempts, notifications
from neonpay.notifications.erasing import remove
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.note import Note
from neonpay.store.periodic import poke

WAITING, SENT, MERGED, DEAD = "waiting", "sent", "merged", "dead"
HELD: Final = "held"
_ALONE: Final = f"{HELD}:"
"""What was kept back goes out together."""
_SUBJECT_CHARS: Final = 500
_BODY_CHARS: Final = 16_000
_INSERT = Insert(
    notifications,
    *(
        "bot_id",
        "note_id",
        "channel",
        "recipient",
        "kind",
        "priority",
        "subject",
        "body",
        "data",
        "user_id",
        "gathered",
    ),
    *("state", "attempts", "made_at", "due_at"),
)
_ATTEMPT = Insert(notification_attempts, "bot_id", "note_id", "attempt", "at", "took_us", "error")
_row = notifications.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A note that waits.

    Attributes:
        attempts: how often it has been tried.
        gathered: notes of one recipient with the same one go out together; None for one that goes alone.
    """

    note: Note
    due_at_us: int
    attempts: int = 0
    gathered: str | None = None


def held_alone(note_id: str) -> str:
    """The key of a note that is held back and goes out by itself all the same."""
    return f"{_ALONE}{note_id}"


def duty(channel: NotificationType) -> str:
    """The name of the periodic task that sends by a channel."""
    return f"notifications:{channel}"


def put(transaction: Transaction, bot_id: int, queued: Sequence[Queued]) -> int:
    """Queue notes and have their channels looked at soon; how many were not there already."""
    new = 0
    channels = set()
    for one in queued:
        note = one.note
        row = (
            *(bot_id, note.note_id, note.channel.value, note.recipient, note.kind, note.priority.value),
            *(clean(note.subject, _SUBJECT_CHARS), clean(note.body, _BODY_CHARS), dump_whatever(note.data)),
            *(note.user_id, one.gathered, WAITING, 0, microseconds(note.at), one.due_at_us),
        )
        if transaction.insert(_INSERT, row):
            new += 1
            channels.add(duty(note.channel))
    if channels:
        poke(transaction, bot_id, channels)
    return new


def due(
    transaction: Transaction,
    bot_id: int,
    channel: NotificationType,
    now_us: int,
    most: int,
    but: Collection[str] = (),
) -> list[Queued]:
    """What is due for everybody but these recipients, in the order in which it became so."""
    query = sa.select(notifications).where(*_waiting(bot_id, channel), _row.due_at <= now_us)
    if but:
        query = query.where(_row.recipient.not_in(but))
    return [_queued(row) for row in transaction.connection.execute(query.order_by(_row.due_at).limit(most)).all()]


def gathered_with(transaction: Transaction, bot_id: int, one: Queued, most: int) -> list[Queued]:
    """The notes that go out together with this one, due or not, itself among them, in the order in which they were made."""
    where = (*_waiting(bot_id, one.note.channel), _row.recipient == one.note.recipient, _row.gathered == one.gathered)
    query = sa.select(notifications).where(*where).order_by(_row.made_at, _row.note_id).limit(most)
    return [_queued(row) for row in transaction.connection.execute(query).all()]


def next_due_us(transaction: Transaction, bot_id: int, channel: NotificationType) -> int | None:
    """When the next note is due; None when none waits."""
    query = sa.select(sa.func.min(sa.type_coerce(_row.due_at, sa.BigInteger))).where(*_waiting(bot_id, channel))
    return transaction.connection.execute(query).scalar()


def left_lying(transaction: Transaction, bot_id: int, before_us: int) -> dict[NotificationType, int]:
    """How many notes of each channel have been due since before then, so that no program is at them."""
    query = sa.select(_row.channel, sa.func.count()).where(_row.bot_id == bot_id, IS_WAITING, _row.due_at < before_us)
    found = transaction.connection.execute(query.group_by(_row.channel)).all()
    return {NotificationType(channel): int(count) for channel, count in found}


def claim(transaction: Transaction, bot_id: int, notes: Sequence[Queued], until_us: int) -> bool:
    """Count an attempt that is about to be made, and whether it may be: another program may have begun it.

    One of which no end is heard is made again from ``until_us`` on.
    """
    first, *others = notes
    values = {"attempts": _row.attempts + 1, "due_at": until_us}
    mine = sa.update(notifications).where(*_these(bot_id, [first.note.note_id]), _row.attempts == first.attempts)
    if not transaction.connection.execute(mine.values(**values)).rowcount:
        return False
    if others:
        note_ids = [one.note.note_id for one in others]
        transaction.connection.execute(sa.update(notifications).where(*_these(bot_id, note_ids)).values(**values))
    return True


def hold_until(
    transaction: Transaction, bot_id: int, note_ids: Sequence[str], at_us: int, gathered: str | None
) -> None:
    """Have notes wait until then; with a key they go out together."""
    values: dict[str, object] = {"due_at": at_us} | ({} if gathered is None else {"gathered": gathered})
    transaction.connection.execute(sa.update(notifications).where(*_these(bot_id, note_ids)).values(**values))


def wait_behind(transaction: Transaction, bot_id: int, one: Note, at_us: int) -> None:
    """Have all that waits for a recipient who is away wait until then; nothing of it counts as tried."""
    mine = (*_waiting(bot_id, one.channel), _row.recipient == one.recipient, _row.due_at < at_us)
    transaction.connection.execute(sa.update(notifications).where(*mine).values(due_at=at_us))


def let_go(transaction: Transaction, bot_id: int, recipient: str, now_us: int) -> None:
    """Have what was held back for a recipient looked at now."""
    is_held = sa.or_(_row.gathered == HELD, _row.gathered.startswith(_ALONE, autoescape=True))
    held = (_row.bot_id == bot_id, IS_WAITING, _row.recipient == recipient, _row.due_at > now_us, is_held)
    channels = sa.select(_row.channel).where(*held).distinct()
    names = {duty(NotificationType(channel)) for channel in transaction.connection.scalars(channels)}
    if names:
        transaction.connection.execute(sa.update(notifications).where(*held).values(due_at=now_us))
        poke(transaction, bot_id, names)


def look_at(transaction: Transaction, bot_id: int, recipient: str) -> None:
    """Have all that waits for a recipient looked at now, whatever it waits for."""
    mine = sa.update(notifications).where(_row.bot_id == bot_id, IS_WAITING, _row.recipient == recipient)
    found = transaction.connection.scalars(mine.values(due_at=_row.made_at).returning(_row.channel)).all()
    if found:
        poke(transaction, bot_id, {duty(NotificationType(channel)) for channel in found})


def end(
    transaction: Transaction, bot_id: int, notes: Sequence[Queued], *, state: str, at_us: int, error: str | None = None
) -> None:
    """The first of the notes has been sent, for all of them, or none of them ever will be."""
    first, *others = [one.note.note_id for one in notes]
    values = {"state": state, "ended_at": at_us, "error": error}
    transaction.connection.execute(sa.update(notifications).where(*_these(bot_id, [first])).values(**values))
    if others:
        # What was not sent has not arrived, whatever it was tried together with, and each of it can be sent again.
        together = {**values, "state": MERGED if state == SENT else state, "sent_as": first}
        transaction.connection.execute(sa.update(notifications).where(*_these(bot_id, others)).values(**together))


def revive(transaction: Transaction, bot_id: int, note_id: str) -> bool:
    """Have a note that has ended go out once more, under its id; whether there was one. One that waits is due at once.

    It has what is left of its attempts, and one at least.
    """
    mine = (_row.bot_id == bot_id, _row.note_id == note_id)
    fresh = {
        "state": WAITING,
        "due_at": _row.made_at,
        "ended_at": None,
        "sent_as": None,
        "error": None,
        "gathered": None,
    }
    again = sa.update(notifications).where(*mine).values(**fresh)
    channel = transaction.connection.execute(again.returning(_row.channel)).scalar()
    if channel is not None:
        poke(transaction, bot_id, [duty(NotificationType(channel))])
    return channel is not None


def note_attempt(
    transaction: Transaction, bot_id: int, notes: Sequence[Queued], *, at_us: int, took_us: int, error: str | None
) -> None:
    """Keep what became of an attempt, for each of the notes that it was made with."""
    for one in notes:
        transaction.insert(_ATTEMPT, (bot_id, one.note.note_id, one.attempts + 1, at_us, took_us, error))
    if error is not None:
        told = sa.update(notifications).where(*_these(bot_id, [one.note.note_id for one in notes]))
        transaction.connection.execute(told.values(error=error))


def sent_since(transaction: Transaction, bot_id: int, one: Note, since_us: int) -> int:
    """How many notes of this kind have gone to this recipient since then."""
    query = sa.select(sa.func.count()).where(
        _row.bot_id == bot_id,
        _row.channel == one.channel.value,
        _row.recipient == one.recipient,
        _row.kind == one.kind,
        _row.state == SENT,
        _row.ended_at >= since_us,
    )
    return int(transaction.connection.execute(query).scalar_one())


def forget_old(transaction: Transaction, bot_id: int, before_us: int, most: int) -> int:
    """Remove so many notes that ended before then, and their attempts; how many there were."""
    ended = sa.select(_row.note_id).where(_row.bot_id == bot_id, _row.made_at < before_us, _row.state != WAITING)
    note_ids = list(transaction.connection.scalars(ended.order_by(_row.made_at).limit(most)))
    if note_ids:
        remove(transaction, bot_id, note_ids)
    return len(note_ids)


def _waiting(bot_id: int, channel: NotificationType) -> tuple[sa.ColumnElement[bool], ...]:
    return (_row.bot_id == bot_id, _row.channel == channel.value, IS_WAITING)


def _these(bot_id: int, note_ids: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return (_row.bot_id == bot_id, _row.note_id.in_(note_ids), IS_WAITING)


def _queued(row: sa.Row[tuple[object, ...]]) -> Queued:
    note = Note(
        note_id=row.note_id,
        channel=NotificationType(row.channel),
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        kind=row.kind,
        at=row.made_at,
        priority=NotificationPriority(row.priority),
        user_id=row.user_id,
        data=load_object(row.data),
    )
    return Queued(note=note, due_at_us=microseconds(row.due_at), attempts=row.attempts, gathered=row.gathered)
