"""What is wrong with a shop: told once when it begins and once when it is over, however many programs see it.

A trouble is a row for as long as anybody has seen it lately. Whoever sees it first writes the row and the messages in one
transaction; a watch that finds that nobody has seen it any more removes the row and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.words import Words
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_notifications import notification_troubles
from neonpay.notifications import queue
from neonpay.notifications.kinds import NotificationPriority
from neonpay.notifications.queue import Queued

LOOK_S: Final = 60.0
"""Between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of trouble.

    Attributes:
        begins, over: what is said of it.
        called: names that are no words of the shop's own, in words.
        variables: names of the values that a text of the program's own may show.
        lasts_s: so long after it was last seen it is over.
    """

    begins: Words
    over: Words
    variables: tuple[str, ...]
    priority: NotificationPriority = NotificationPriority.HIGH
    lasts_s: float = 2.5 * LOOK_S
    called: Mapping[str, Words] = field(default_factory=dict)


KINDS: Final[Mapping[str, Kind]] = {
    "loop": Kind(
        begins=Words("🧵 A part of the program has stopped working: {name}"),
        over=Words("✅ It works again: {name}"),
        variables=("name", "count", "error"),
        priority=NotificationPriority.CRITICAL,
    ),
    "stranded": Kind(
        begins=Words("🧩 No program has this handler any more: {name}"),
        over=Words("✅ Nothing waits for this handler any more: {name}"),
        variables=("name", "count"),
    ),
    "failing": Kind(
        begins=Words("🔧 A handler fails again and again: {name}"),
        over=Words("✅ Nothing that failed waits for this handler any more: {name}"),
        variables=("name", "count", "error"),
    ),
    "disk": Kind(
        begins=Words("💾 The disk with the database is nearly full"),
        over=Words("✅ The disk with the database has room again"),
        variables=("count", "folder"),
        priority=NotificationPriority.CRITICAL,
    ),
    "webhook": Kind(
        begins=Words("📡 Telegram cannot deliver updates to the webhook"),
        over=Words("✅ The webhook gets its updates again"),
        variables=("error",),
        lasts_s=1800.0,
    ),
    "backup": Kind(
        begins=Words("🗄 A step of the backups has failed: {name}"),
        over=Words("✅ It has not failed again: {name}"),
        variables=("name", "error"),
        called={
            "backup": Words("making one"),
            "copy": Words("copying them elsewhere"),
            "verify": Words("reading one back"),
            "drill": Words("trying one out"),
        },
    ),
    "blind": Kind(
        begins=Words(
            "🙈 The shop has not been compared with Telegram for {count} hour",
            "🙈 The shop has not been compared with Telegram for {count} hours",
            counted="count",
        ),
        over=Words("✅ The shop is compared with Telegram again"),
        variables=("count",),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong.

    Attributes:
        kind: a name of ``KINDS``.
        name: which of its kind: a loop, a handler; "" where there is one alone.
        values: what its texts show, beside ``name``.
        details: more of it: words of neonpay's own, or what somebody else has said.
        is_slight: not enough to begin with, and too much for it to be over: what sways about a limit is told once.
    """

    kind: str
    name: str = ""
    values: Mapping[str, str | int] = field(default_factory=dict)
    details: Words | str | None = None
    is_slight: bool = False

    @property
    def subject(self) -> str:
        """What all programs call it."""
        return f"{self.kind}:{self.name}"

    @classmethod
    def of(cls, subject: str) -> Trouble:
        """The trouble of a subject, without what was seen of it."""
        kind, _, name = subject.partition(":")
        return cls(kind=kind, name=name)


Tells = Callable[[Trouble, int, bool], Sequence[Queued]]
"""Writes the messages about a trouble that has begun at that microsecond, or that is over."""

_row = notification_troubles.c
_INSERT = Insert(notification_troubles, "bot_id", "subject", "since", "until_at")


def seen(transaction: Transaction, bot_id: int, troubles: Sequence[Trouble], now_us: int, tells: Tells) -> int:
    """The unit of work of whoever sees that something is wrong now; how many messages tell of it."""
    told = 0
    for trouble in troubles:
        until_us = now_us + int(KINDS[trouble.kind].lasts_s * 1_000_000)
        mine = (_row.bot_id == bot_id, _row.subject == trouble.subject)
        goes_on = sa.update(notification_troubles).where(*mine).values(until_at=until_us)
        if transaction.connection.execute(goes_on).rowcount or trouble.is_slight:
            continue
        if transaction.insert(_INSERT, (bot_id, trouble.subject, now_us, until_us)):
            told += queue.put(transaction, bot_id, tells(trouble, now_us, False))
    return told


def end(transaction: Transaction, bot_id: int, now_us: int, tells: Tells) -> int:
    """The unit of work after which nothing counts as wrong that nobody has seen lately; how many messages tell of it."""
    told = 0
    query = sa.select(_row.subject, _row.since).where(_row.bot_id == bot_id, _row.until_at < now_us)
    for subject, since in transaction.connection.execute(query).all():
        mine = (_row.bot_id == bot_id, _row.subject == subject, _row.until_at < now_us)
        if not transaction.connection.execute(sa.delete(notification_troubles).where(*mine)).rowcount:
            continue  # somebody has just seen it again
        trouble = Trouble.of(subject)
        if trouble.kind in KINDS:  # and not one of a newer program
            told += queue.put(transaction, bot_id, tells(trouble, microseconds(since), True))
    return told
