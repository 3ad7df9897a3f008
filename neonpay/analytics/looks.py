"""Looks at offers, as far as the bot tells of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.measures import microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables_tracking import soft_events

VIEW: Final = "product_view"
_AT: Final = microseconds_of(soft_events.c.at)


def views(transaction: Transaction, scope: Scope, span: Span) -> int | None:
    """How many looks at offers a span has; None when none of these bots has told of any by the end of it."""
    number = int(transaction.rows(_number(scope), span.starts_us, span.ends_us)[0][0])
    if number:
        return number
    return None if transaction.row(_before(scope), span.starts_us) is None else 0


@lru_cache(100)
def _number(scope: Scope) -> Statement:
    query = sa.select(sa.func.count()).where(*_looks(scope), _time("starts") <= _AT, _time("ends") > _AT)
    return Statement(query.select_from(soft_events), "starts", "ends")


@lru_cache(100)
def _before(scope: Scope) -> Statement:
    return Statement(sa.select(soft_events.c.event_id).where(*_looks(scope), _time("starts") > _AT).limit(1), "starts")


def _looks(scope: Scope) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return soft_events.c.kind == VIEW, scope.has(soft_events.c.bot_id, soft_events.c.subject)


def _time(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger)
