"""Looks at offers, as far as the bot tells of them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from neonpay.analytics.measures import microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.ledger import Transaction
from neonpay.ledger.tables_tracking import soft_events

VIEW: Final = "product_view"


def views(transaction: Transaction, scope: Scope, span: Span) -> int | None:
    """How many looks at offers a span has; None when none of these bots has told of any by the end of it."""
    is_look = sa.and_(soft_events.c.kind == VIEW, scope.has(soft_events.c.bot_id, soft_events.c.subject))
    at = microseconds_of(soft_events.c.at)
    query = sa.select(sa.func.count()).where(is_look, at >= span.starts_us, at < span.ends_us)
    number = int(transaction.connection.execute(query.select_from(soft_events)).scalar_one())
    if number:
        return number
    before = sa.select(soft_events.c.event_id).where(is_look, at < span.starts_us).limit(1)
    return None if transaction.connection.execute(before).first() is None else 0
