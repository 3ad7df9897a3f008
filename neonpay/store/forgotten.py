"""Who was forgotten, by a digest of their id, and up to when nothing is kept of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Among, Insert, Statement, Transaction
from neonpay.ledger.key_locks import ALONE, BESIDE_OTHERS
from neonpay.ledger.tables_tracking import forgotten, soft_events

_APART_US: Final = timedelta(minutes=5) // timedelta(microseconds=1)
"""How far ahead the clock may be that gave an event its time."""
_ANYBODY: Final = Statement(
    sa.select(forgotten.c.at).where(forgotten.c.bot_id == sa.bindparam("bot_id")).limit(sa.literal_column("1")),
    "bot_id",
)
_WHO: Final = Among(
    lambda people: sa.select(forgotten.c.person, forgotten.c.at).where(
        forgotten.c.bot_id == sa.bindparam("bot_id"), forgotten.c.person.in_(people)
    ),
    "bot_id",
)
_FORGOTTEN: Final = Insert(
    forgotten,
    *("bot_id", "person", "at"),
    again=lambda old, new: {"at": sa.case((new["at"] > old["at"], new["at"]), else_=old["at"])},
)


def remember_forgotten(transaction: Transaction, bot_id: int, user_id: int, at_us: int) -> bool:
    """From now on nothing is kept of this person that was up to a time; whether that is news. A unit of work."""
    _keep_writers_off(transaction, bot_id)
    is_news = forgotten_until(transaction, bot_id, [user_id]).get(user_id, -1) < at_us
    transaction.insert(_FORGOTTEN, (bot_id, _person(bot_id, user_id), at_us))
    return is_news


def begin_forgetting(transaction: Transaction, bot_id: int, user_id: int, now_us: int) -> int:
    """From now on nothing is kept of this person that was before now; the time that this is. A unit of work.

    What is there of them already was before, even where another clock, such as Telegram's, gave it a time that lies ahead.
    """
    _keep_writers_off(transaction, bot_id)
    event = soft_events.c
    ahead = sa.select(sa.func.max(sa.type_coerce(event.at, sa.BigInteger))).where(
        event.bot_id == bot_id, event.user_id == user_id, event.at <= now_us + _APART_US
    )
    at_us = max(now_us, int(transaction.connection.execute(ahead).scalar() or 0))
    remember_forgotten(transaction, bot_id, user_id, at_us)
    return at_us


def forgotten_until(transaction: Transaction, bot_id: int, users: Sequence[int]) -> dict[int, int]:
    """Up to when, in microseconds since the epoch, nothing is kept of those of the users who were forgotten.

    Nobody else of this bot is forgotten until the unit ends. Who asks about several bots asks in the order of their ids.
    """
    if not users:
        return {}
    transaction.rows(BESIDE_OTHERS, _key(bot_id))
    if transaction.row(_ANYBODY, bot_id) is None:
        return {}
    users_by = {_person(bot_id, user_id): user_id for user_id in users}
    return {users_by[str(person)]: int(at) for person, at in transaction.rows_among(_WHO, (bot_id,), [*users_by])}


def _keep_writers_off(transaction: Transaction, bot_id: int) -> None:
    """Whoever has looked whether somebody was forgotten has written by now, so that it is found and removed."""
    transaction.rows(ALONE, _key(bot_id))


def _key(bot_id: int) -> str:
    return f"neonpay:forgotten:{bot_id}"


def _person(bot_id: int, user_id: int) -> str:
    return hashlib.sha256(f"neonpay forgotten {bot_id} {user_id}".encode()).hexdigest()
