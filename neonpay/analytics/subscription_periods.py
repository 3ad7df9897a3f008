"""The paid periods of subscriptions, from the tables that hold the facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.marks import Marks, Numbers, names_of, newer, numbers_of
from neonpay.analytics.measures import IS_BACK, microseconds_of
from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_steps import PaidPeriod, Subscriber
from neonpay.core.events import SubscriptionCanceled, SubscriptionFailed, SubscriptionRestored
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.table_kit import unindexed
from neonpay.ledger.tables import events, payments, refunds, subscriptions

_IN_FORCE: Final = [sa.literal(state.value, sa.Text) for state in (PaymentState.ACCEPTED, PaymentState.REFUNDED)]
_WORDS: Final = [
    sa.literal(event.name, sa.Text) for event in (SubscriptionCanceled, SubscriptionFailed, SubscriptionRestored)
]
_TIMES: Final = ("since", "until")
_AT_ONCE: Final = 500
_TOLD_WITHIN_US: Final = 86_400 * 1_000_000
"""How long after the end of a period Telegram may tell what has become of it; a later word is about a later period."""


def subscribers_of(tail: sa.ColumnElement[bool]) -> sa.Select[tuple[int, int]]:
    """Whose subscriptions may be otherwise than before because of these events; some more than once."""
    is_about = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.charge_id == events.c.charge_id)
    paid = (
        sa.select(payments.c.bot_id, payments.c.user_id)
        .join_from(events, payments, is_about)
        .where(tail, payments.c.subscription_expires_at.is_not(None))
    )
    is_word = (events.c.name.in_(_WORDS), events.c.user_id.is_not(None))
    told = sa.select(events.c.bot_id, events.c.user_id).where(tail, *is_word)
    together = sa.union_all(paid, told).subquery()
    return sa.select(together.c.bot_id, together.c.user_id)


def paid_periods(transaction: Transaction, scope: Scope, since_us: int, until_us: int) -> list[PaidPeriod]:
    """The paid periods of subscriptions that are in force at some moment from ``since_us`` to ``until_us``.

    One is in force from its payment until it ends, or until it is refunded; one that nobody has accepted is not.
    """
    return periods_in(transaction.rows(_of_all(scope), since_us, until_us), since_us)


def newer_periods(
    transaction: Transaction, scope: Scope, since_us: int, until_us: int, after: Marks
) -> list[PaidPeriod]:
    """The same, of those of whom there are newer events than these, with all bots that are looked at."""
    found = transaction.rows(_of_newer(scope, tuple(after)), since_us, until_us, *after.values())
    return periods_in(found, since_us)


def newer_subscribers(after: Marks | Numbers) -> sa.Select[tuple[int]]:
    """Whose subscriptions may be otherwise than before because of newer events than these: users, of whichever bot, read once.

    Users alone, since SQLite goes through the whole list for each row that it compares with pairs.
    """
    parts = [subscribers_of(part) for part in newer(after)]
    who = sa.union(*parts).cte("newer_subscribers").prefix_with("MATERIALIZED")
    return sa.select(who.c.user_id)


@lru_cache(100)
def _of_all(scope: Scope) -> Statement:
    since, until = (sa.bindparam(name, type_=sa.BigInteger) for name in _TIMES)
    # Of everybody those are found that have not ended.
    is_in_time = (since < _ENDS, unindexed(_STARTS) <= until)
    query = PERIODS.where(scope.has(payments.c.bot_id, payments.c.stage_id), *is_in_time)
    return Statement(query, *_TIMES)


@lru_cache(100)
def _of_newer(scope: Scope, bots: tuple[int, ...]) -> Statement:
    since, until = (sa.bindparam(name, type_=sa.BigInteger) for name in _TIMES)
    # Of some, all that they have paid.
    is_in_time = (unindexed(_ENDS) > since, until >= _STARTS)
    is_newer = payments.c.user_id.in_(newer_subscribers(numbers_of(bots)))
    query = PERIODS.where(scope.has(payments.c.bot_id, payments.c.stage_id), *is_in_time, is_newer)
    return Statement(query, *_TIMES, *names_of(bots))


def first_ever(transaction: Transaction, scope: Scope, who: Iterable[Subscriber]) -> dict[Subscriber, int]:
    """When each of them has paid for the first period of a subscription, of the stages that are looked at."""
    users = sorted({user_id for _, user_id in who})
    found: dict[Subscriber, int] = {}
    for start in range(0, len(users), _AT_ONCE):
        query = (
            sa.select(payments.c.bot_id, payments.c.user_id, sa.func.min(microseconds_of(payments.c.paid_at)))
            .where(
                scope.has(payments.c.bot_id, payments.c.stage_id),
                payments.c.user_id.in_(users[start : start + _AT_ONCE]),
                payments.c.currency == CURRENCY,
                payments.c.state.in_(_IN_FORCE),
                HAS_ENDS,
            )
            .group_by(payments.c.bot_id, payments.c.user_id)
        )
        for bot_id, user_id, first_us in transaction.connection.execute(query):
            found[bot_id, user_id] = int(first_us)
    return found


def periods_in(rows: Iterable[Sequence[Any]], since_us: int) -> list[PaidPeriod]:
    """The periods that rows of ``PERIODS`` tell of, of those that are in force after a moment."""
    found = []
    for bot_id, user_id, stage_id, stars, starts_us, ends_us, refunded_us, told in rows:
        until = ends_us if refunded_us is None else min(ends_us, refunded_us)
        if until > max(since_us, starts_us):
            found.append(PaidPeriod((bot_id, user_id), stage_id, int(stars), starts_us, until, told))
    return found


def firsts_in(rows: Iterable[Sequence[Any]]) -> dict[Subscriber, int]:
    """When each of those whom rows of ``PERIODS`` are about has paid for the first of them, in force or not."""
    found: dict[Subscriber, int] = {}
    for bot_id, user_id, _, _, starts_us, *_ in rows:
        found[bot_id, user_id] = min(starts_us, found.get((bot_id, user_id), starts_us))
    return found


def _periods() -> sa.Select[Any]:
    is_refunded = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        IS_BACK,
    )
    is_its = sa.and_(
        subscriptions.c.bot_id == payments.c.bot_id,
        subscriptions.c.user_id == payments.c.user_id,
        subscriptions.c.invoice_id == payments.c.invoice_id,
        # A word of before this period was paid was about an earlier one.
        microseconds_of(subscriptions.c.changed_at) >= microseconds_of(payments.c.recorded_at),
        microseconds_of(subscriptions.c.changed_at)
        <= microseconds_of(payments.c.subscription_expires_at) + _TOLD_WITHIN_US,
    )
    return (
        sa.select(
            payments.c.bot_id,
            payments.c.user_id,
            sa.func.coalesce(payments.c.stage_id, ""),
            payments.c.amount_stars,
            microseconds_of(payments.c.paid_at),
            microseconds_of(payments.c.subscription_expires_at),
            microseconds_of(refunds.c.finished_at),
            subscriptions.c.state,
        )
        .select_from(payments)
        .outerjoin(refunds, is_refunded)
        .outerjoin(subscriptions, is_its)
        .where(payments.c.currency == CURRENCY, payments.c.state.in_(_IN_FORCE))
    )


PERIODS: Final = _periods()
"""Paid periods of subscriptions, to be narrowed down: everything that a ``PaidPeriod`` is made of."""
_STARTS: Final = microseconds_of(payments.c.paid_at)
_ENDS: Final = microseconds_of(payments.c.subscription_expires_at)
HAS_ENDS: Final = unindexed(_ENDS).is_not(None)
"""Whether a payment is of a subscription, by which SQLite finds none: it would go through all that were ever paid."""
