"""Soft events counted, and given out without saying whose they are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from neonpay.core.jsontext import JsonObject
from neonpay.errors import ConfigurationError
from neonpay.ledger import Transaction
from neonpay.ledger.tables_tracking import soft_events
from neonpay.store.signing_keys import read_keys

By = Literal["kind", "subject", "source"]
_PSEUDONYM_CHARS: Final = 24


def count_soft(
    transaction: Transaction,
    bots: Sequence[int],
    *,
    by: By = "kind",
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    people: bool = False,
) -> dict[str, int]:
    """How many soft events there are, by one of their fields, most first; ``""`` for those that do not have it.

    Args:
        kind: only of this kind.
        since, until: not before the one, and before the other.
        people: count people, each once, and not events.
    """
    column = soft_events.c[by]
    number = sa.func.count(sa.distinct(soft_events.c.user_id)) if people else sa.func.count()
    query = sa.select(column, number).where(soft_events.c.bot_id.in_(bots), *_between(since, until))
    if kind is not None:
        query = query.where(soft_events.c.kind == kind)
    found = transaction.connection.execute(query.group_by(column).order_by(number.desc(), column))
    return {str(key or ""): int(count) for key, count in found if count}


def pseudonymised(
    transaction: Transaction,
    bot_id: int,
    *,
    since: datetime | None,
    until: datetime | None,
    after: str,
    limit: int,
) -> list[JsonObject]:
    """Soft events in the order of their ids, with a pseudonym in the place of each user id and without their data.

    The same person has the same pseudonym in every export of this bot. It is made with a key of the ledger, so nobody who has
    the export alone finds out by trying user ids whose it is.

    Args:
        after: only those with a greater id.

    Raises:
        ConfigurationError: the ledger has no key of this bot, which its first start makes.
    """
    keys = read_keys(transaction, bot_id)
    if not keys:
        msg = f"the ledger has no key of bot {bot_id} to make pseudonyms with; start the bot once"
        raise ConfigurationError(msg)
    query = sa.select(soft_events).where(
        soft_events.c.bot_id == bot_id, soft_events.c.event_id > after, *_between(since, until)
    )
    rows = transaction.connection.execute(query.order_by(soft_events.c.event_id).limit(limit))
    return [_without_person(row, keys[-1]) for row in rows]  # the oldest key, which stays when another one is made


def _without_person(row: Any, key: bytes) -> JsonObject:
    return {
        "event_id": row.event_id,
        "kind": row.kind,
        "at": row.at.isoformat(),
        "person": None if row.user_id is None else _pseudonym(key, row.bot_id, row.user_id),
        "subject": row.subject,
        "source": row.source,
        "stars": row.stars,
    }


def _pseudonym(key: bytes, bot_id: int, user_id: int) -> str:
    told = f"neonpay pseudonym\0{bot_id}\0{user_id}".encode()
    return hmac.new(key, told, hashlib.sha256).hexdigest()[:_PSEUDONYM_CHARS]


def _between(since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    at = soft_events.c.at
    return [*([] if since is None else [at >= since]), *([] if until is None else [at < until])]
