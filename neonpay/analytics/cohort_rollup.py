"""Keeps what each buyer has paid at which age, and the sums of that by the day of the first payment.

It has a task and a position of its own, so that a program of an earlier release, which fills the other rollups, leaves out
nothing here.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.measures import IN_STARS, microseconds_of
from neonpay.analytics.new_events import BOT, IS_NEW, NAMES, New
from neonpay.analytics.rollups import DAY_US, buyers_of, insert_into
from neonpay.core.events import PaymentRefunded
from neonpay.core.payments import RefundState
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables import events, payments, refunds
from neonpay.ledger.tables_rollups import rollup_ages, rollup_cohorts

TASK: Final = "cohorts"
COHORTS: Final = f"analytics:{TASK}"
"""The periodic task of the extension, whose position says up to which number ages and cohorts have come."""
AGE: Final = timedelta(days=30)
_AGE_US: Final = 30 * DAY_US


def renew_cohorts(transaction: Transaction, new: New) -> None:
    """Whoever these events are about has the ages that follow from the payments as they are now; the sums change by that."""
    for statement in _RENEWED:
        transaction.execute(statement, *new)


def touched_by(tail: sa.ColumnElement[bool]) -> sa.CompoundSelect[Any]:
    """Who has paid by these events, or got something back."""
    is_about = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.charge_id == events.c.charge_id)
    back = sa.select(payments.c.bot_id, payments.c.user_id).join_from(events, payments, is_about)
    return sa.union(buyers_of(tail), back.where(tail, events.c.name == PaymentRefunded.name, IN_STARS))


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
        refunds.c.state == RefundState.REFUNDED.value,
    )
    stars = sa.case((refunds.c.charge_id.is_(None), payments.c.amount_stars), else_=0)
    return (
        sa.select(first.c.user_id, first.c.first, age.label("age"), stars.label("stars"))
        .select_from(first)
        .join(payments, payments.c.user_id == first.c.user_id)
        .outerjoin(refunds, is_back)
        .where(IN_STARS, of_bots)
    )


def _inserted_anew() -> sa.Insert:
    of_bot = payments.c.bot_id == BOT
    theirs = sa.and_(of_bot, IN_STARS, payments.c.user_id.in_(_TOUCHED))
    firsts = sa.select(payments.c.user_id, sa.func.min(microseconds_of(payments.c.paid_at)).label("first"))
    first = firsts.where(theirs).group_by(payments.c.user_id).cte("first").prefix_with("MATERIALIZED")
    paid = aged(first, of_bot).subquery("paid")
    keys = (paid.c.user_id, paid.c.age, paid.c.first)
    rows = sa.select(BOT, *keys, sa.func.sum(paid.c.stars)).group_by(*keys)
    return sa.insert(rollup_ages).from_select(["bot_id", "user_id", "age", "first_at", "stars"], rows)


def _added(sign: int, dialect: sa.Dialect) -> sa.ClauseElement:
    width = sa.literal_column(str(DAY_US), sa.BigInteger)
    day = microseconds_of(rollup_ages.c.first_at) // width * width
    by = sa.literal_column(str(sign), sa.BigInteger)
    sums = (by * sa.func.count(), by * sa.func.sum(rollup_ages.c.stars))
    rows = sa.select(rollup_ages.c.bot_id, day, rollup_ages.c.age, *sums).where(_THEIRS)
    insert = insert_into(dialect, rollup_cohorts).from_select(
        ["bot_id", "day", "age", "n", "stars"], rows.group_by(rollup_ages.c.bot_id, day, rollup_ages.c.age)
    )
    more = {name: rollup_cohorts.c[name] + insert.excluded[name] for name in ("n", "stars")}
    added: sa.ClauseElement = insert.on_conflict_do_update(index_elements=list(rollup_cohorts.primary_key), set_=more)
    return added


_ABOUT: Final = touched_by(IS_NEW).subquery("about")
_TOUCHED: Final = sa.select(_ABOUT.c.user_id)
_THEIRS: Final = sa.and_(rollup_ages.c.bot_id == BOT, rollup_ages.c.user_id.in_(_TOUCHED))
_RENEWED: Final = (
    Statement(partial(_added, -1), *NAMES),
    Statement(sa.delete(rollup_ages).where(_THEIRS), *NAMES),
    Statement(_inserted_anew(), *NAMES),
    Statement(partial(_added, 1), *NAMES),
)
