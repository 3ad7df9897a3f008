"""What waits, has gone and is dead, and how each attempt went: for the command and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.core.jsontext import load_object
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction
from neonpay.ledger.tables_notifications import notification_attempts, notifications
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.masking import shown_address
from neonpay.notifications.queue import DEAD, MERGED, SENT, WAITING

STATES: Final = (WAITING, SENT, MERGED, DEAD)
_MOST_NAMED: Final = 8
_row = notifications.c


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedNote:
    """A note as it is in the ledger.

    Attributes:
        recipient: without what is secret of it.
        error: why the last attempt failed, or why there will be none.
        sent_as: the note that it went together with.
        event_id: of the event that it tells of, if it tells of one; by it a program is told again.
    """

    bot_id: int
    note_id: str
    channel: NotificationType
    recipient: str
    kind: str
    subject: str
    state: str
    attempts: int
    made_at: datetime
    due_at: datetime
    ended_at: datetime | None
    sent_as: str | None
    error: str | None
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAttempt:
    """One attempt, and why it failed; None when the channel has taken it."""

    attempt: int
    at: datetime
    took_s: float
    error: str | None


def read_log(
    transaction: Transaction,
    bots: Sequence[int],
    *,
    channel: NotificationType | None = None,
    state: str | None = None,
    recipient: str | None = None,
    limit: int = 100,
    skip: int = 0,
) -> tuple[list[LoggedNote], int]:
    """Notes, newest first, and how many there are in all."""
    where: list[sa.ColumnElement[bool]] = [_row.bot_id.in_(bots)]
    for column, value in ((_row.channel, channel), (_row.state, state), (_row.recipient, recipient)):
        where += [] if value is None else [column == str(value)]
    total = transaction.connection.execute(sa.select(sa.func.count()).where(*where)).scalar_one()
    query = sa.select(notifications).where(*where).order_by(_row.made_at.desc(), _row.note_id)
    found = transaction.connection.execute(query.limit(limit).offset(skip)).all()
    return [_logged(row) for row in found], int(total)


def count_by_state(transaction: Transaction, bot_id: int) -> dict[str, int]:
    """How many notes of a bot are in each state."""
    query = sa.select(_row.state, sa.func.count()).where(_row.bot_id == bot_id).group_by(_row.state)
    found = dict.fromkeys(STATES, 0)
    found |= {state: int(count) for state, count in transaction.connection.execute(query).all()}
    return found


def find_note(transaction: Transaction, bots: Sequence[int], beginning: str) -> LoggedNote:
    """The only note whose id begins so.

    Raises:
        ValidationError: there is none, or there are several.
    """
    begins_so = _row.note_id.startswith(beginning.rstrip("…"), autoescape=True)
    query = sa.select(notifications).where(_row.bot_id.in_(bots), begins_so).limit(_MOST_NAMED)
    found = transaction.connection.execute(query).all() if beginning else []
    if len(found) != 1:
        several = f", of which several begin so: {', '.join(row.note_id for row in found)}" if found else ""
        raise ValidationError("note_id", beginning, f"the id of a note, as neonpay notifications log has it{several}")
    return _logged(found[0])


def read_attempts(transaction: Transaction, bot_id: int, note_id: str) -> list[LoggedAttempt]:
    """Each attempt at a note, the first one first."""
    row = notification_attempts.c
    query = sa.select(notification_attempts).where(row.bot_id == bot_id, row.note_id == note_id)
    return [
        LoggedAttempt(attempt=one.attempt, at=one.at, took_s=one.took_us / 1_000_000, error=one.error)
        for one in transaction.connection.execute(query.order_by(row.attempt)).all()
    ]


def unheard(note: LoggedNote, attempts: Sequence[LoggedAttempt]) -> list[int]:
    """The attempts of whose end nothing was heard: one may be under way, and what one that was cut off sent may be there."""
    if note.sent_as is not None:
        return []  # it went with another one, which has the attempts
    heard = {one.attempt for one in attempts}
    return [attempt for attempt in range(1, note.attempts + 1) if attempt not in heard]


def last_answers(transaction: Transaction, bot_id: int, recipients: Sequence[str]) -> dict[str, LoggedAttempt]:
    """The last attempt at each recipient by webhook, where there is one that is kept."""
    row = notification_attempts.c
    of = sa.and_(row.bot_id == _row.bot_id, row.note_id == _row.note_id)
    found = {}
    for recipient in recipients:
        query = (
            sa.select(notification_attempts)
            .join(notifications, of)
            .where(
                _row.bot_id == bot_id,
                _row.channel == NotificationType.WEBHOOK.value,
                _row.recipient == recipient,
            )
            .order_by(row.at.desc(), row.attempt.desc())
            .limit(1)
        )
        one = transaction.connection.execute(query).first()
        if one is not None:
            found[recipient] = LoggedAttempt(
                attempt=one.attempt, at=one.at, took_s=one.took_us / 1_000_000, error=one.error
            )
    return found


def _logged(row: sa.Row[tuple[object, ...]]) -> LoggedNote:
    event_id = load_object(row.data).get("event_id")
    return LoggedNote(
        bot_id=row.bot_id,
        note_id=row.note_id,
        channel=NotificationType(row.channel),
        recipient=shown_address(row.recipient),
        kind=row.kind,
        subject=row.subject,
        state=row.state,
        attempts=row.attempts,
        made_at=row.made_at,
        due_at=row.due_at,
        ended_at=row.ended_at,
        sent_as=row.sent_as,
        error=row.error,
        event_id=event_id if isinstance(event_id, str) else None,
    )
