"""Effects that happen once, by a key of the program's own: a lease while one is under way, its result from then on."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from neonpay.ledger import Insert, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import effects

_INSERT = Insert(
    effects, "bot_id", "key", "token", "until", computed={"until": lambda lease_us: DatabaseNow() + lease_us}
)


class Begun(NamedTuple):
    """What somebody finds who wants an effect.

    Attributes:
        is_mine: whether it is theirs to do now; otherwise it is done, or another one is at it.
        result: what it came to as JSON; None while it is not done.
    """

    is_mine: bool
    result: str | None = None


def begin(transaction: Transaction, bot_id: int, key: str, token: int, lease_us: int) -> Begun:
    """The unit of work that takes the lease on an effect, unless it is done or another one has it."""
    if transaction.insert(_INSERT, (bot_id, key, token, lease_us)):
        return Begun(is_mine=True)
    row = transaction.connection.execute(
        sa.select(effects.c.token, effects.c.result).where(*_this(bot_id, key)).with_for_update()
    ).one()
    if row.result is not None:
        return Begun(is_mine=False, result=row.result)
    free = sa.or_(effects.c.token.is_(None), effects.c.token == token, effects.c.until < DatabaseNow())
    taken = sa.update(effects).where(*_this(bot_id, key), free)
    lease = {"token": token, "until": DatabaseNow() + lease_us}
    return Begun(is_mine=bool(transaction.connection.execute(taken.values(lease)).rowcount))


def renew(transaction: Transaction, bot_id: int, key: str, token: int, lease_us: int) -> None:
    """The unit of work that shows that the effect is still being worked on."""
    held = sa.update(effects).where(*_this(bot_id, key), effects.c.token == token)
    transaction.connection.execute(held.values(until=DatabaseNow() + lease_us))


def remember(transaction: Transaction, bot_id: int, key: str, token: int, result: str) -> bool:
    """The unit of work that keeps what an effect came to; False when its lease had run out and another one took it."""
    held = sa.update(effects).where(*_this(bot_id, key), effects.c.token == token)
    return bool(transaction.connection.execute(held.values(result=result)).rowcount)


def give_up(transaction: Transaction, bot_id: int, key: str, token: int) -> None:
    """The unit of work after which anybody may begin the effect."""
    held = sa.update(effects).where(*_this(bot_id, key), effects.c.token == token, effects.c.result.is_(None))
    transaction.connection.execute(held.values(token=None))


def _this(bot_id: int, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (effects.c.bot_id == bot_id, effects.c.key == key)
