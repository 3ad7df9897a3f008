"""People, each once: who came how far, who is new, who came back, who paid much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.managers.asked import Asked
from neonpay.analytics.managers.shapes import ConversionData
from neonpay.analytics.managers.sides import Columns, Sides
from neonpay.analytics.measures import IN_STARS, microseconds_of
from neonpay.analytics.periods import Span
from neonpay.core.payments import RefundState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import invoices, payments, people, refunds
from neonpay.ledger.tables_tracking import first_touches, soft_events
from neonpay.tracking.kinds import LedgerKind, SoftKind
from neonpay.tracking.money import MONEY

STEPS: Final = ("product_view", "add_to_cart", "payment_started", "payment_completed")
"""The way to a purchase, by the names that the guide has."""
_RENEWED, _CAME, _STARTED, _BOUGHT = -1, 0, 3, 4
_RANKS: Final = {
    SoftKind.PRODUCT_VIEW.value: 1,
    SoftKind.PRODUCT_CLICK.value: 1,
    "add_to_cart": 2,
    LedgerKind.PAYMENT_STARTED.value: _STARTED,
    LedgerKind.PAYMENT_COMPLETED.value: _BOUGHT,
}
_CLOCKS_DIFFER_US: Final = 10_000_000
"""Telegram tells the time of a payment in whole seconds of its own clock, and the machine of the bot tells that of a look."""
Ranks = Mapping[int, int]
"""How many people came so far and no further."""


def _rank(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.Integer)


def acts(sides: Sides, span: Span) -> sa.sql.selectable.NamedFromClause:
    """What people did in a span, one row for each act: ``bot_id``, ``user_id``, ``subject``, ``at`` and its ``rank``."""
    events = soft_events
    far = sa.case(*[(events.c.kind == kind, _rank(rank)) for kind, rank in _RANKS.items()], else_=_rank(_CAME))
    at = microseconds_of(events.c.at).label("at")
    columns = (events.c.bot_id, events.c.user_id, events.c.subject.label("subject"), far.label("rank"), at)
    parts: list[Columns] = [sides.has_told(span, *columns).where(events.c.user_id.is_not(None))]
    if sides.ledger:
        paid_at, created_at = microseconds_of(payments.c.paid_at), microseconds_of(invoices.c.created_at)
        is_renewal = sa.and_(payments.c.is_recurring == _rank(1), payments.c.is_first_recurring == _rank(0))
        far = sa.case((is_renewal, _rank(_RENEWED)), else_=_rank(_BOUGHT))
        parts.append(
            sa.select(payments.c.bot_id, payments.c.user_id, payments.c.stage_id, far, paid_at).where(
                payments.c.bot_id.in_(sides.ledger), IN_STARS, paid_at >= span.starts_us, paid_at < span.ends_us
            )
        )
        parts.append(
            sa.select(invoices.c.bot_id, invoices.c.user_id, invoices.c.stage_id, _rank(_STARTED), created_at).where(
                invoices.c.bot_id.in_(sides.ledger),
                invoices.c.user_id.is_not(None),
                created_at >= span.starts_us,
                created_at < span.ends_us,
            )
        )
    return sa.union_all(*parts).subquery("acts")


def reached(transaction: Transaction, sides: Sides, span: Span) -> Ranks:
    """How far people came in a span, each counted once, whichever bots they use."""
    return _reached(transaction, acts(sides, span), None).get("", {})


def reached_by(transaction: Transaction, sides: Sides, span: Span, column: str) -> dict[str, Ranks]:
    """The same for each bot (``bot_id``) or each product (``subject``) by itself."""
    return _reached(transaction, acts(sides, span), column)


def _reached(transaction: Transaction, done: sa.sql.selectable.NamedFromClause, column: str | None) -> dict[str, Ranks]:
    # Without a key there is nothing to group by: PostgreSQL takes no constant for one.
    keys = [] if column is None else [done.c[column].label("key")]
    far = sa.func.max(done.c.rank).label("far")
    each = sa.select(*keys, done.c.user_id, far).group_by(*keys, done.c.user_id).subquery("each_person")
    columns = [each.c[key.name] for key in keys]
    query = sa.select(each.c.far, sa.func.count(), *columns).group_by(each.c.far, *columns)
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for rank, number, *part in transaction.connection.execute(query):
        found["" if not part or part[0] is None else str(part[0])][int(rank)] = int(number)
    return dict(found)


def active(ranks: Ranks) -> int:
    """People of whom anything is known."""
    return sum(ranks.values())


def visitors(ranks: Ranks) -> int:
    """People of whom anything but a renewal is known."""
    return sum(number for rank, number in ranks.items() if rank != _RENEWED)


def conversion_rate(ranks: Ranks) -> float:
    """Of a hundred visitors, how many have bought."""
    came = visitors(ranks)
    return 100 * ranks.get(_BOUGHT, 0) / came if came else 0.0


def journey(ranks: Ranks) -> dict[str, int]:
    """People who came to each step, or to a later one."""
    return {
        step: sum(number for rank, number in ranks.items() if rank >= place)
        for place, step in enumerate(STEPS, start=1)
    }


def conversion_data(ranks: Ranks, purchases: int, asked: Asked) -> ConversionData:
    """The figures of conversion as the guide has them."""
    steps = journey(ranks)
    return ConversionData(
        total_visitors=visitors(ranks),
        total_purchases=purchases,
        conversion_rate=conversion_rate(ranks),
        period=asked.by.value,
        funnel_steps=steps,
        drop_off_points={
            f"{step}_to_{then}": 100 * (steps[step] - steps[then]) / steps[step] if steps[step] else 0.0
            for step, then in pairwise(STEPS)
        },
    )


def returned(transaction: Transaction, sides: Sides, asked: Asked) -> tuple[int, int]:
    """How many people did something in the period before, and how many of these in this one, too."""
    before, now = acts(sides, asked.period.before().span), acts(sides, asked.period.span)
    came = sa.select(before.c.user_id).distinct().subquery("came")
    again = sa.case((came.c.user_id.in_(sa.select(now.c.user_id)), 1), else_=0)
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(again), 0)).select_from(came)
    number, back = transaction.connection.execute(query).one()
    return int(number), int(back)


def newcomers(transaction: Transaction, sides: Sides, span: Span) -> int:
    """People who did something in a span, and of whom these bots know nothing before it."""
    done = acts(sides, span)
    came = sa.select(done.c.user_id).distinct().subquery("came")
    known = [
        sa.exists().where(table.c.bot_id.in_(sides.all), table.c.user_id == came.c.user_id, at < span.starts_us)
        for table, at in (
            (soft_events, microseconds_of(soft_events.c.at)),
            (payments, microseconds_of(payments.c.paid_at)),
            (people, microseconds_of(people.c.first_seen)),
            (first_touches, microseconds_of(first_touches.c.at)),
        )
    ]
    query = sa.select(sa.func.count()).select_from(came).where(~sa.or_(*known))
    return int(transaction.connection.execute(query).scalar_one())


def who_bought(transaction: Transaction, sides: Sides, span: Span, shown_by: str | None) -> list[tuple[int, bool]]:
    """People, each once, and whether they have bought since they came.

    Args:
        shown_by: the kind of the events by which somebody is told to have been shown something; only those people count, and
            only what they bought since, as far as two clocks agree (ten seconds). None for everybody who came.
    """
    done = acts(sides, span)
    came = sa.func.min(done.c.at)
    bought = sa.func.max(sa.case((done.c.rank == _rank(_BOUGHT), done.c.at)))
    query = sa.select(done.c.user_id, came, bought).where(done.c.rank != _rank(_RENEWED)).group_by(done.c.user_id)
    found = {int(user): (int(at), last) for user, at, last in transaction.connection.execute(query)}
    if shown_by is not None:
        events = soft_events
        shown = sides.has_told(span, events.c.user_id, sa.func.min(microseconds_of(events.c.at)))
        shown = shown.where(events.c.kind == shown_by, events.c.user_id.is_not(None)).group_by(events.c.user_id)
        rows = transaction.connection.execute(shown)
        found = {int(user): (int(at), found.get(int(user), (0, None))[1]) for user, at in rows}
    return [(user, last is not None and int(last) >= at - _CLOCKS_DIFFER_US) for user, (at, last) in found.items()]


def spenders(transaction: Transaction, sides: Sides, span: Span, least_stars: int) -> dict[int, int]:
    """How many people have paid so many Stars or more in a span, by bot; 0 is all bots together. Less what went back."""
    done = _spent(sides, span)
    found: dict[int, int] = {}
    for keys in ([done.c.bot_id], []):
        each = sa.select(*keys, done.c.user_id).group_by(*keys, done.c.user_id)
        rich = each.having(sa.func.sum(done.c.stars) >= least_stars).subquery("rich")
        columns = [rich.c[key.name] for key in keys]
        query = sa.select(sa.func.count(), *columns).select_from(rich).group_by(*columns)
        found |= {int(part[0]) if part else 0: int(number) for number, *part in transaction.connection.execute(query)}
    return found


def _spent(sides: Sides, span: Span) -> sa.sql.selectable.NamedFromClause:
    events, at = soft_events, microseconds_of(soft_events.c.at)
    paid_at = microseconds_of(payments.c.paid_at)
    is_back = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        refunds.c.state == RefundState.REFUNDED.value,
    )
    told = sa.select(events.c.bot_id, events.c.user_id, sa.func.coalesce(events.c.stars, 0).label("stars")).where(
        events.c.bot_id.in_(sides.told),
        events.c.kind.in_(MONEY),
        events.c.user_id.is_not(None),
        at >= span.starts_us,
        at < span.ends_us,
    )
    paid = (
        sa.select(payments.c.bot_id, payments.c.user_id, payments.c.amount_stars)
        .outerjoin(refunds, is_back)
        .where(payments.c.bot_id.in_(sides.ledger), IN_STARS, refunds.c.charge_id.is_(None))
        .where(paid_at >= span.starts_us, paid_at < span.ends_us)
    )
    return sa.union_all(told, paid).subquery("spent")
