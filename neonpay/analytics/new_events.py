"""The events of a batch that is rolled up, as parameters: statements about them are made once and run for each batch."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from neonpay.ledger.tables import events


class New(NamedTuple):
    """Events of a bot with numbers above ``after``, up to ``last``."""

    bot_id: int
    after: int
    last: int


NAMES: Final = New._fields
"""What the parameters are called, in the order of a ``New``."""
BOT, _AFTER, _LAST = (sa.bindparam(name, type_=sa.BigInteger) for name in NAMES)
IS_NEW: Final = sa.and_(events.c.bot_id == BOT, events.c.number > _AFTER, events.c.number <= _LAST)
"""Whether an event is one of these."""
