"""How many checkouts were declined since a moment, exactly."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from neonpay.analytics.counting import total
from neonpay.analytics.measures import Measure, microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables import IS_DECLINED, events
from neonpay.ledger.tables_rollups import QUARTER_US

_EVER: Final = moment(2**52)


def count_declines(transaction: Transaction, bot_id: int, since_us: int) -> int:
    """How many checkouts of a bot were declined since then.

    From the rollups but for the first quarter of an hour, what of it was before then being counted one by one.
    """
    starts_us = since_us // QUARTER_US * QUARTER_US
    number, _ = total(transaction, Measure.DECLINED, Scope((bot_id,)), Span(moment(starts_us), _EVER))
    at = microseconds_of(events.c.at)
    earlier = sa.select(sa.func.count()).where(events.c.bot_id == bot_id, IS_DECLINED, at >= starts_us, at < since_us)
    return number - int(transaction.connection.execute(earlier).scalar_one())
