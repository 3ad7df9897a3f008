"""The language that buyers had when they paid, under which reports count their payments, and how it is forgotten."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import sqlalchemy as sa

from neonpay.core.events import PaymentRefunded
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import RefundState
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import duties, events, payments, people, refunds
from neonpay.ledger.tables_rollups import WIDTHS_US, rollup_languages

TASK: Final = "languages"
LANGUAGES: Final = f"analytics:{TASK}"
"""The periodic task whose position says up to which number the events are counted by language."""
PAID_IN: Final = "paid_in"
RETURNED_IN: Final = "returned_in"
"""What is counted by language, as ``neonpay.analytics.measures`` says it."""
ONE_OFF: Final = "one_off"
UNKNOWN: Final = ""

_INTO: Final = {
    width_us: Insert(
        table,
        *[column.name for column in table.c],
        again=lambda kept, new: {"n": kept["n"] + new["n"]},
    )
    for table, width_us in WIDTHS_US.items()
}


def _of(known: sa.Table) -> sa.ScalarSelect[Any]:
    is_theirs = (known.c.bot_id == payments.c.bot_id, known.c.user_id == payments.c.user_id)
    return sa.select(known.c.language_code).where(*is_theirs).correlate(payments).scalar_subquery()


def language_of_payment() -> sa.ColumnElement[str]:
    """The language under which a payment counts; "" where it is not known.

    Of one that has none of its own it is that under which its buyer's were counted first, and before they are that of today.
    """
    unknown = sa.literal_column(f"'{UNKNOWN}'", sa.Text)
    # Whoever looks only where it is needed: both databases evaluate this from left to right, and no further than they have to.
    return sa.func.coalesce(payments.c.language_code, _of(rollup_languages), _of(people), unknown)


def forget_languages(transaction: Transaction, bot_id: int, user_id: int) -> int:
    """Nobody knows any more which language a person had when they paid, and reports count what they paid under none.

    Returns:
        How many payments had one of their own.
    """
    theirs = (payments.c.bot_id == bot_id, payments.c.user_id == user_id)
    # First, so that nobody counts anything of theirs meanwhile.
    position = sa.select(duties.c.position).where(duties.c.bot_id == bot_id, duties.c.name == LANGUAGES)
    counted = transaction.connection.execute(position.with_for_update()).scalar()
    if counted:
        for width_us, insert in _INTO.items():
            rows = _moved(transaction, bot_id, user_id, counted, width_us)
            if rows:
                transaction.insert(insert, *rows)
    had = sa.select(sa.func.count()).where(*theirs, payments.c.language_code != UNKNOWN)
    count = int(transaction.connection.execute(had).scalar_one())
    # Of those that have none as well, since the person may be seen again.
    unsaid = sa.or_(payments.c.language_code.is_(None), payments.c.language_code != UNKNOWN)
    transaction.connection.execute(sa.update(payments).where(*theirs, unsaid).values(language_code=UNKNOWN))
    kept = sa.delete(rollup_languages).where(rollup_languages.c.bot_id == bot_id, rollup_languages.c.user_id == user_id)
    transaction.connection.execute(kept)
    return count


def _moved(
    transaction: Transaction, bot_id: int, user_id: int, counted: int, width_us: int
) -> list[tuple[object, ...]]:
    """What is to be added to the rollups of this width, so that what a person has paid counts under no language."""
    told = sa.select(events.c.event_id, events.c.name, events.c.charge_id).where(
        events.c.bot_id == bot_id,
        events.c.user_id == user_id,
        events.c.number.is_not(None),
        events.c.number <= counted,
    )
    recorded: set[str] = set()
    back: Counter[str] = Counter()
    for event_id, name, charge_id in transaction.connection.execute(told):
        recorded.add(event_id)
        if name == PaymentRefunded.name:
            back[charge_id] += 1
    sums: Counter[tuple[object, ...]] = Counter()
    for row in transaction.connection.execute(_paid(bot_id, user_id)):
        slot = row.paid_us // width_us * width_us
        kind = "" if row.is_recurring else ONE_OFF
        times = {PAID_IN: int(row.event_id in recorded), RETURNED_IN: back[row.charge_id] if row.is_back else 0}
        for measure, n in times.items():
            for language, sign in ((row.language, -1), (UNKNOWN, 1)):
                sums[measure, slot, row.stage_id or "", kind, language, row.amount_stars] += sign * n
    return [(bot_id, *key, n) for key, n in sums.items() if n]


def _paid(bot_id: int, user_id: int) -> sa.Select[Any]:
    is_its = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        refunds.c.state == RefundState.REFUNDED.value,
    )
    return (
        sa.select(
            payments.c.charge_id,
            payments.c.event_id,
            sa.type_coerce(payments.c.paid_at, sa.BigInteger).label("paid_us"),
            payments.c.stage_id,
            payments.c.is_recurring,
            payments.c.amount_stars,
            language_of_payment().label("language"),
            refunds.c.charge_id.is_not(None).label("is_back"),
        )
        .join_from(payments, refunds, is_its, isouter=True)
        .where(payments.c.bot_id == bot_id, payments.c.user_id == user_id, payments.c.currency == CURRENCY)
    )
