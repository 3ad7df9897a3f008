"""One person out of what was told of a bot: nothing names them afterwards, and no sum of Stars changes."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables_tracking import first_touches, soft_events
from neonpay.tracking.money import MONEY


def forget_told(transaction: Transaction, bot_id: int, user_id: int) -> None:
    """Nothing told of a bot names this person any more; what was earned and given back stays, as nobody's. A unit of work."""
    connection, event, touch = transaction.connection, soft_events.c, first_touches.c
    theirs = (event.bot_id == bot_id, event.user_id == user_id)
    connection.execute(sa.delete(soft_events).where(*theirs, event.kind.not_in(MONEY)))
    connection.execute(sa.update(soft_events).where(*theirs).values(user_id=None, source=None, data="{}"))
    connection.execute(sa.delete(first_touches).where(touch.bot_id == bot_id, touch.user_id == user_id))
