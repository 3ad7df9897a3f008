"""Events by bot and kind: those that were told, and for bots of the ledger those that it knows itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.counting import counted, sums, whole_quarters
from neonpay.analytics.funnel import RIPE_AFTER
from neonpay.analytics.managers.asked import Asked
from neonpay.analytics.managers.sides import Columns, Sides
from neonpay.analytics.measures import FIRST, RENEWAL, Measure, microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_periods import paid_periods
from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import InvoiceState
from neonpay.core.subscriptions import SubscriptionState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import invoices, payments, subscriptions
from neonpay.ledger.tables_tracking import soft_events
from neonpay.tracking.kinds import LedgerKind, SoftKind

MOST_ACTIVE: Final = 100
Kinds = Mapping[str, int]


def by_kind(transaction: Transaction, sides: Sides, asked: Asked) -> dict[int, Kinds]:
    """How many events of each kind each bot has in the period."""
    span = asked.period.span
    events = soft_events
    found: dict[int, Counter[str]] = defaultdict(Counter)
    query = sides.has_told(span, events.c.bot_id, events.c.kind, sa.func.count())
    for bot, kind, number in transaction.connection.execute(query.group_by(events.c.bot_id, events.c.kind)):
        found[int(bot)][str(kind)] += int(number)
    if sides.scope is not None:
        for bot, kind, count in _of_ledger(transaction, sides.scope, span, asked.now):
            found[bot][kind] += count
    return {bot: {kind: number for kind, number in sorted(kinds.items()) if number} for bot, kinds in found.items()}


def _of_ledger(transaction: Transaction, scope: Scope, span: Span, now: datetime) -> list[tuple[int, str, int]]:
    quarters = whole_quarters(span)
    found: list[tuple[int, str, int]] = []
    for measure, kind in (
        (Measure.INVOICED, LedgerKind.PAYMENT_STARTED),
        (Measure.PAID, LedgerKind.PAYMENT_COMPLETED),
        (Measure.DECLINED, LedgerKind.PAYMENT_FAILED),
    ):
        rows = counted(transaction, measure, scope, [span if measure is Measure.PAID else quarters])
        found += [(int(bot), kind.value, number) for (bot,), number, _ in sums(transaction, rows, "bot_id")]
    paid = counted(transaction, Measure.PAID, scope, [span])
    names = {FIRST: LedgerKind.SUBSCRIPTION_CREATED.value, RENEWAL: LedgerKind.SUBSCRIPTION_RENEWED.value}
    for (bot, kind), number, _ in sums(transaction, paid, "bot_id", "kind"):
        if kind in names:
            found.append((int(bot), names[kind], number))
    found += _abandoned(transaction, scope, span, now)
    found += _unsent(transaction, scope, span)
    found += _cancelled(transaction, scope, span)
    return found + _expired(transaction, scope, span)


def _abandoned(transaction: Transaction, scope: Scope, span: Span, now: datetime) -> list[tuple[int, str, int]]:
    until = min(span.ends_at, now - RIPE_AFTER)
    if until <= span.starts_at:
        return []
    old = whole_quarters(Span(span.starts_at, until))
    left: Counter[int] = Counter()
    for measure, sign in ((Measure.INVOICED, 1), (Measure.SETTLED, -1)):
        for (bot,), number, _ in sums(transaction, counted(transaction, measure, scope, [old]), "bot_id"):
            left[int(bot)] += sign * number
    return [(bot, LedgerKind.PAYMENT_CANCELLED.value, number) for bot, number in left.items()]


def _unsent(transaction: Transaction, scope: Scope, span: Span) -> list[tuple[int, str, int]]:
    at = microseconds_of(invoices.c.created_at)
    query = (
        sa.select(invoices.c.bot_id, sa.func.count())
        .where(scope.has(invoices.c.bot_id), invoices.c.state == InvoiceState.FAILED.value)
        .where(at >= span.starts_us, at < span.ends_us)
        .group_by(invoices.c.bot_id)
    )
    rows = transaction.connection.execute(query)
    return [(int(bot), LedgerKind.PAYMENT_FAILED.value, int(number)) for bot, number in rows]


def _cancelled(transaction: Transaction, scope: Scope, span: Span) -> list[tuple[int, str, int]]:
    at = microseconds_of(subscriptions.c.changed_at)
    query = (
        sa.select(subscriptions.c.bot_id, sa.func.count())
        .where(scope.has(subscriptions.c.bot_id), subscriptions.c.state == SubscriptionState.CANCELED.value)
        .where(at >= span.starts_us, at < span.ends_us)
        .group_by(subscriptions.c.bot_id)
    )
    rows = transaction.connection.execute(query)
    return [(int(bot), LedgerKind.SUBSCRIPTION_CANCELLED.value, int(number)) for bot, number in rows]


def _expired(transaction: Transaction, scope: Scope, span: Span) -> list[tuple[int, str, int]]:
    """Subscriptions that ran out: nothing was paid for a time that goes on."""
    last: dict[tuple[int, int, str], int] = {}
    for one in paid_periods(transaction, scope, span.starts_us, span.ends_us):
        key = (*one.subscriber, one.stage_id)
        last[key] = max(one.ends_us, last.get(key, 0))
    ended = Counter(bot for (bot, _, _), ends_us in last.items() if span.starts_us <= ends_us < span.ends_us)
    return [(bot, LedgerKind.SUBSCRIPTION_EXPIRED.value, number) for bot, number in ended.items()]


def views(transaction: Transaction, sides: Sides, span: Span) -> dict[str, int]:
    """How often each product was looked at, as far as that was told."""
    events = soft_events
    query = sides.has_told(span, events.c.subject, sa.func.count())
    query = query.where(events.c.kind == SoftKind.PRODUCT_VIEW.value, events.c.subject.is_not(None))
    rows = transaction.connection.execute(query.group_by(events.c.subject))
    return {str(subject): int(number) for subject, number in rows}


def last_at(transaction: Transaction, sides: Sides, span: Span) -> dict[int, float]:
    """When something happened last at each bot in a span, in seconds since the epoch."""
    found: dict[int, int] = {}
    events = soft_events
    told = sides.has_told(span, events.c.bot_id, sa.func.max(microseconds_of(events.c.at))).group_by(events.c.bot_id)
    paid_at = microseconds_of(payments.c.paid_at)
    paid = (
        sa.select(payments.c.bot_id, sa.func.max(paid_at))
        .where(payments.c.bot_id.in_(sides.ledger), paid_at >= span.starts_us, paid_at < span.ends_us)
        .group_by(payments.c.bot_id)
    )
    queries: list[Columns] = [told, paid] if sides.ledger else [told]
    for query in queries:
        for bot, at_us in transaction.connection.execute(query):
            found[int(bot)] = max(int(at_us), found.get(int(bot), 0))
    return {bot: moment(at_us).timestamp() for bot, at_us in found.items()}


def most_active(transaction: Transaction, sides: Sides, span: Span) -> dict[int, dict[str, JsonValue]]:
    """The people with the most events, told ones and purchases: how many, of how many Stars, and when the last one was."""
    events = soft_events
    is_paid = events.c.kind == LedgerKind.PAYMENT_COMPLETED.value
    stars = sa.case((is_paid, sa.func.coalesce(events.c.stars, 0)), else_=0).label("stars")
    at = microseconds_of(events.c.at).label("at")
    parts: list[Columns] = [sides.has_told(span, events.c.user_id, stars, at).where(events.c.user_id.is_not(None))]
    if sides.ledger:
        paid_at = microseconds_of(payments.c.paid_at)
        paid = sa.select(payments.c.user_id, payments.c.amount_stars, paid_at)
        is_in = (paid_at >= span.starts_us, paid_at < span.ends_us)
        parts.append(paid.where(payments.c.bot_id.in_(sides.ledger), *is_in))
    done = sa.union_all(*parts).subquery("done")
    number = sa.func.count()
    query = (
        sa.select(done.c.user_id, number, sa.func.sum(done.c.stars), sa.func.max(done.c.at))
        .group_by(done.c.user_id)
        .order_by(number.desc(), done.c.user_id)
        .limit(MOST_ACTIVE)
    )
    return {
        int(user): {"events": int(count), "stars": int(spent), "last_activity": moment(int(at_us)).timestamp()}
        for user, count, spent, at_us in transaction.connection.execute(query)
    }
