"""What was paid and what of it went back, by bucket: what all figures about revenue are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.counting import counted, sums
from neonpay.analytics.figures import Takings
from neonpay.analytics.measures import ONE_OFF, Measure, microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope, Split
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_tracking import first_touches

_SPAN: Final = ("starts", "ends")
_BY_LANGUAGE: Final = (Measure.PAID_IN, Measure.RETURNED_IN)
_COLUMNS: Final[Mapping[Split, str]] = MappingProxyType(
    {Split.BOT: "bot_id", Split.STAGE: "stage_id", Split.PLAN: "stage_id", Split.LANGUAGE: "detail"}
)
Key = tuple[int, str, bool]
"""A bucket, a part of the split and whether it is one-off."""


def takings_in(transaction: Transaction, scope: Scope, span: Span) -> Takings:
    """What was paid in a span, and what of it went back; the figures of ``revenue``."""
    return Takings.sum(takings_by(transaction, scope, [span], None).values())


def takings_by(
    transaction: Transaction, scope: Scope, spans: Sequence[Span], split: Split | None
) -> dict[Key, Takings]:
    """The figures of ``revenue`` by bucket, by part, and by whether they are one-off."""
    if split is Split.SOURCE:
        return _by_source(transaction, scope, spans)
    column = None if split is None else _COLUMNS[split]
    paid, returned = _BY_LANGUAGE if split is Split.LANGUAGE else (Measure.PAID, Measure.RETURNED)
    found: dict[Key, Takings] = defaultdict(Takings)
    for measure in (paid, returned):
        rows = counted(transaction, measure, scope, spans)
        for (place, kind, *part), number, stars in sums(
            transaction, rows, "place", "kind", *([column] if column else [])
        ):
            is_one_off = kind == ONE_OFF
            # Of a language there are none where everybody who had it was erased.
            if not number or (split is Split.PLAN and is_one_off):
                continue
            key = (int(place), str(part[0]) if part else "", is_one_off)
            found[key] += Takings(number, stars) if measure is paid else Takings(0, 0, number, stars)
    return found


def _by_source(transaction: Transaction, scope: Scope, spans: Sequence[Span]) -> dict[Key, Takings]:
    found: dict[Key, Takings] = defaultdict(Takings)
    statement = _paid_by_source(scope)
    for place, span in enumerate(spans):
        for key, is_recurring, *figures in transaction.rows(statement, span.starts_us, span.ends_us):
            found[place, str(key), not is_recurring] += Takings(*[int(figure) for figure in figures])
    return found


@lru_cache(100)
def _paid_by_source(scope: Scope) -> Statement:
    return Statement(lambda _: _from_payments(scope), *_SPAN)


def _from_payments(scope: Scope) -> sa.Select[Any]:
    """The same in one span, by what is known today of where the buyer came from; no rollup knows it, so payments are read."""
    starts, ends = (sa.bindparam(name, type_=sa.BigInteger) for name in _SPAN)
    known = first_touches.c
    is_theirs = sa.and_(known.bot_id == payments.c.bot_id, known.user_id == payments.c.user_id)
    # A refund is done when its payment has gone back, so none has to be looked up.
    is_back = payments.c.state == sa.literal_column(f"'{PaymentState.REFUNDED.value}'")
    stars = payments.c.amount_stars
    part = sa.func.coalesce(known.source, sa.literal_column("''", sa.Text))
    paid_at = microseconds_of(payments.c.paid_at)
    one, none = sa.literal_column("1", sa.BigInteger), sa.literal_column("0", sa.BigInteger)
    return (
        sa.select(
            part,
            payments.c.is_recurring,
            sa.func.count(),
            sa.func.sum(stars),
            sa.func.sum(sa.case((is_back, one), else_=none)),
            sa.func.sum(sa.case((is_back, stars), else_=none)),
        )
        .select_from(payments)
        .outerjoin(first_touches, is_theirs)
        .where(payments.c.currency == CURRENCY, paid_at >= starts, paid_at < ends)
        .where(scope.has(payments.c.bot_id, payments.c.stage_id))
        .group_by(part, payments.c.is_recurring)
    )
