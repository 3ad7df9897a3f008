"""Keeps what each buyer has paid at which age, and the sums of that by the day of the first payment.

It has a task and a position of its own, so that a program of an earlier release, which fills the other rollups, leaves out
nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.measures import IN_STARS, IS_BACK, microseconds_of
from neonpay.analytics.new_events import BOT, IS_NEW, NAMES, New
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.rollups import buyers_of
from neonpay.core.events import PaymentRefunded
from neonpay.ledger import Among, Insert, Statement, Transaction
from neonpay.ledger.table_kit import is_text
from neonpay.ledger.tables import events, payments, refunds
from neonpay.ledger.tables_rollups import DAY_US, rollup_ages, rollup_cohorts

TASK: Final = "cohorts"
COHORTS: Final = f"analytics:{TASK}"
"""The periodic task of the extension, whose position says up to which number ages and cohorts have come."""
AGE: Final = timedelta(days=30)
_AGE_US: Final = 30 * DAY_US


def renew_cohorts(transaction: Transaction, new: New, renewed: Renewed) -> None:
    """Whoever these events are about has the ages that follow from the payments as they are now; the sums change by that."""
    users = renewed.left([int(user_id) for _, user_id in transaction.rows(_TOUCHED, *new)], new.last)
    if not users:
        return
    sums: dict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    _add(transaction, new.bot_id, users, sums, sign=-1)
    transaction.execute_among(_GONE, (new.bot_id,), users)
    transaction.execute_among(_ANEW, (new.bot_id,), users)
    _add(transaction, new.bot_id, users, sums, sign=1)
    changed = [(new.bot_id, *key, *more) for key, more in sums.items() if any(more)]
    if changed:
        transaction.insert(_INSERT, *changed)


def touched_by(tail: sa.ColumnElement[bool]) -> sa.CompoundSelect[Any]:
    """Who has paid by these events, or got something back."""
    is_about = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.charge_id == events.c.charge_id)
    back = sa.select(payments.c.bot_id, payments.c.user_id).join_from(events, payments, is_about)
    return sa.union(buyers_of(tail), back.where(tail, is_text(events.c.name, PaymentRefunded.name), IN_STARS))


def first_of(people: sa.sql.selectable.NamedFromClause, of_bots: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """When each of these people has paid ``first``."""
    first = sa.func.min(microseconds_of(payments.c.paid_at)).label("first")
    is_theirs = payments.c.user_id == people.c.user_id
    query = sa.select(people.c.user_id, first).join_from(people, payments, is_theirs)
    return query.where(of_bots, IN_STARS).group_by(people.c.user_id)


def aged(first: sa.sql.selectable.NamedFromClause, of_bots: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Each payment of these people: ``user_id``, ``age`` in thirty days since ``first``, ``stars`` unless they went back."""
    age = (microseconds_of(payments.c.paid_at) - first.c.first) // sa.literal_column(str(_AGE_US), sa.BigInteger)
    is_back = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        IS_BACK,
    )
    stars = sa.case((refunds.c.charge_id.is_(None), payments.c.amount_stars), else_=0)
    return (
        sa.select(first.c.user_id, first.c.first, age.label("age"), stars.label("stars"))
        .select_from(first)
        .join(payments, payments.c.user_id == first.c.user_id)
        .outerjoin(refunds, is_back)
        .where(IN_STARS, of_bots)
    )


def _add(
    transaction: Transaction,
    bot_id: int,
    users: Sequence[int],
    sums: dict[tuple[int, int], tuple[int, int]],
    *,
    sign: int,
) -> None:
    """Add what these people have at each age to the sums by day and age, or take it off."""
    for day, age, number, stars in transaction.rows_among(_SUMS, (bot_id,), users):
        known = sums[int(day), int(age)]
        sums[int(day), int(age)] = (known[0] + sign * int(number), known[1] + sign * int(stars))


def _sums(users: Sequence[sa.BindParameter[int]]) -> sa.Select[Any]:
    width = sa.literal_column(str(DAY_US), sa.BigInteger)
    day = microseconds_of(rollup_ages.c.first_at) // width * width
    query = sa.select(day, rollup_ages.c.age, sa.func.count(), sa.func.sum(rollup_ages.c.stars))
    return query.where(*_theirs(users)).group_by(day, rollup_ages.c.age)


def _anew(users: Sequence[sa.BindParameter[int]]) -> sa.Insert:
    # Said of both, since SQLite would go through all payments of the bot and look each up among these few people.
    is_theirs = sa.and_(payments.c.bot_id == BOT, payments.c.user_id.in_(users))
    firsts = sa.select(payments.c.user_id, sa.func.min(microseconds_of(payments.c.paid_at)).label("first"))
    theirs = firsts.where(is_theirs, IN_STARS).group_by(payments.c.user_id)
    paid = aged(theirs.cte("first").prefix_with("MATERIALIZED"), is_theirs).subquery("paid")
    keys = (paid.c.user_id, paid.c.age, paid.c.first)
    rows = sa.select(BOT, *keys, sa.func.sum(paid.c.stars)).group_by(*keys)
    return sa.insert(rollup_ages).from_select(["bot_id", "user_id", "age", "first_at", "stars"], rows)


def _theirs(users: Sequence[sa.BindParameter[int]]) -> tuple[sa.ColumnElement[bool], ...]:
    return rollup_ages.c.bot_id == BOT, rollup_ages.c.user_id.in_(users)


_TOUCHED: Final = Statement(touched_by(IS_NEW), *NAMES)
_SUMS: Final = Among(_sums, BOT.key)
_GONE: Final = Among(lambda users: sa.delete(rollup_ages).where(*_theirs(users)), BOT.key)
_ANEW: Final = Among(_anew, BOT.key)
_INSERT: Final = Insert(
    rollup_cohorts,
    *("bot_id", "day", "age", "n", "stars"),
    again=lambda kept, new: {name: kept[name] + new[name] for name in ("n", "stars")},
)
