"""A person out of what was said, in pieces, so that nobody who sells waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables_notifications import notification_attempts, notifications
from neonpay.notifications.kinds import NotificationType
from neonpay.payments.erasing import ErasedThere

_AT_ONCE: Final = 500
_row = notifications.c


async def erase_notes(ledger: Ledger, bot_id: int, user_id: int, at: datetime) -> ErasedThere:
    """Nothing is left of what was said about the person, or to them in Telegram, up to a time; what waited is not sent.

    Raises:
        LedgerError: the database failed; call again.
    """
    removed = 0
    while gone := await ledger.run(_erase, bot_id, user_id, microseconds(at)):
        removed += gone
    return ErasedThere(removed={"notifications": removed} if removed else {})


def _erase(transaction: Transaction, bot_id: int, user_id: int, until_us: int) -> int:
    telegram = (_row.channel == NotificationType.TELEGRAM.value, _row.recipient == str(user_id))
    for about in ((_row.user_id == user_id,), telegram):
        query = sa.select(_row.note_id).where(_row.bot_id == bot_id, *about, _row.made_at <= until_us)
        note_ids = list(transaction.connection.scalars(query.limit(_AT_ONCE)))
        if note_ids:
            remove(transaction, bot_id, note_ids)
            return len(note_ids)
    return 0


def remove(transaction: Transaction, bot_id: int, note_ids: Sequence[str]) -> None:
    """Remove notes and the attempts at them."""
    attempts = notification_attempts.c
    for gone in (
        sa.delete(notification_attempts).where(attempts.bot_id == bot_id, attempts.note_id.in_(note_ids)),
        sa.delete(notifications).where(_row.bot_id == bot_id, _row.note_id.in_(note_ids)),
    ):
        transaction.connection.execute(gone)
