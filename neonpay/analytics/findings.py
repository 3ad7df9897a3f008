"""Findings: what an owner should look at, with what there is to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.counting import counted, sums
from neonpay.analytics.figures import Finding
from neonpay.analytics.measures import IN_STARS, IS_BACK, LINK_PAYERS_MIN, Measure, microseconds_of
from neonpay.analytics.periods import Period, Span
from neonpay.analytics.scope import Scope
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, refunds

DECLINES_MIN: Final = 10
DECLINE_SHARE: Final = 0.2
UNSELLABLE_MIN: Final = 3
REFUNDS_MIN: Final = 3
RETURNS_MIN: Final = 5
RETURN_SHARE: Final = 0.1
_MOST: Final = 50
_AT_ONCE: Final = 500
_EVER: Final = Span(moment(0), moment(2**52))


def findings(transaction: Transaction, scope: Scope, period: Period) -> tuple[Finding, ...]:
    """What stands out in a period, most frequent first of each kind; the fifty most of a kind at most.

    ``unsellable``: a stage of which at least three checkouts were asked for and every one was declined. ``many_declines``: a
    stage with at least ten declines that are more than a fifth of its checkouts. ``shared_link``: an invoice that anybody may
    pay and that twenty people or more have paid in the period. ``refund_abuser``: somebody who got three refunds or more in it.
    ``many_refunds``: a stage of whose payments in the period five or more, and more than a tenth, have gone back.
    """
    found = [
        *_declines(transaction, scope, period),
        *_shared_links(transaction, scope, period),
        *_refund_abusers(transaction, scope, period),
        *_returns(transaction, scope, period),
    ]
    return tuple(found)


def _declines(transaction: Transaction, scope: Scope, period: Period) -> Iterator[Finding]:
    by_stage = {
        measure: _by_stage(transaction, scope, period, measure) for measure in (Measure.DECLINED, Measure.APPROVED)
    }
    kinds: dict[str, list[Finding]] = {"unsellable": [], "many_declines": []}
    for (bot_id, stage_id), (declined, _) in by_stage[Measure.DECLINED].items():
        approved, _ = by_stage[Measure.APPROVED].get((bot_id, stage_id), (0, 0))
        kind = None
        if not approved and declined >= UNSELLABLE_MIN and stage_id:
            kind = "unsellable"
        elif declined >= DECLINES_MIN and declined > DECLINE_SHARE * (declined + approved):
            kind = "many_declines"
        if kind is not None:
            kinds[kind].append(Finding(id=kind, bot_id=bot_id, count=declined, subject=stage_id))
    for each in kinds.values():
        yield from sorted(each, key=_most_frequent)[:_MOST]


def _returns(transaction: Transaction, scope: Scope, period: Period) -> Iterator[Finding]:
    paid = _by_stage(transaction, scope, period, Measure.PAID)
    found = [
        Finding(id="many_refunds", bot_id=bot_id, count=returned, subject=stage_id, stars=stars)
        for (bot_id, stage_id), (returned, stars) in _by_stage(transaction, scope, period, Measure.RETURNED).items()
        if returned >= RETURNS_MIN and returned > RETURN_SHARE * paid[bot_id, stage_id][0]
    ]
    yield from sorted(found, key=_most_frequent)[:_MOST]


def _by_stage(
    transaction: Transaction, scope: Scope, period: Period, measure: Measure
) -> dict[tuple[int, str], tuple[int, int]]:
    """How often, and in how many Stars, by bot and stage."""
    rows = counted(transaction, measure, scope, [period.span])
    return {
        (int(bot_id), str(stage_id)): (number, stars)
        for (bot_id, stage_id), number, stars in sums(transaction, rows, "bot_id", "stage_id")
    }


def _shared_links(transaction: Transaction, scope: Scope, period: Period) -> Iterator[Finding]:
    # Whatever twenty people have paid has had a twentieth payment: payments are gone through only where there is any such.
    ever = sums(transaction, counted(transaction, Measure.SHARED, scope, [_EVER]), "bot_id", "detail")
    shared = [(int(bot_id), str(invoice_id)) for (bot_id, invoice_id), _, _ in ever]
    found: list[Finding] = []
    for start in range(0, len(shared), _AT_ONCE):
        found += _with_many_payers(transaction, scope, period, shared[start : start + _AT_ONCE])
    yield from sorted(found, key=_most_frequent)[:_MOST]


def _with_many_payers(
    transaction: Transaction, scope: Scope, period: Period, shared: Sequence[tuple[int, str]]
) -> Iterator[Finding]:
    paid_at, payers = microseconds_of(payments.c.paid_at), sa.func.count(sa.distinct(payments.c.user_id))
    query = (
        sa.select(payments.c.bot_id, payments.c.invoice_id, payers, sa.func.sum(payments.c.amount_stars))
        .where(scope.has(payments.c.bot_id, payments.c.stage_id), IN_STARS)
        .where(sa.tuple_(payments.c.bot_id, payments.c.invoice_id).in_(shared))
        .where(paid_at >= period.span.starts_us, paid_at < period.span.ends_us)
        .group_by(payments.c.bot_id, payments.c.invoice_id)
        .having(payers >= LINK_PAYERS_MIN)
    )
    for bot_id, invoice_id, count, stars in transaction.connection.execute(query):
        yield Finding(id="shared_link", bot_id=bot_id, count=int(count), subject=str(invoice_id), stars=int(stars))


def _refund_abusers(transaction: Transaction, scope: Scope, period: Period) -> Iterator[Finding]:
    finished_at, count = microseconds_of(refunds.c.finished_at), sa.func.count()
    is_its = sa.and_(payments.c.bot_id == refunds.c.bot_id, payments.c.charge_id == refunds.c.charge_id)
    query = (
        sa.select(refunds.c.bot_id, refunds.c.user_id, count, sa.func.sum(refunds.c.amount_stars))
        .join(payments, is_its)
        .where(scope.has(refunds.c.bot_id, payments.c.stage_id), IN_STARS)
        .where(IS_BACK)
        .where(finished_at >= period.span.starts_us, finished_at < period.span.ends_us)
        .group_by(refunds.c.bot_id, refunds.c.user_id)
        .having(count >= REFUNDS_MIN)
        .order_by(count.desc(), refunds.c.user_id)
        .limit(_MOST)
    )
    for bot_id, user_id, number, stars in transaction.connection.execute(query):
        yield Finding(id="refund_abuser", bot_id=bot_id, count=int(number), subject=str(user_id), stars=int(stars))


def _most_frequent(one: Finding) -> tuple[int, str]:
    return -one.count, one.subject
