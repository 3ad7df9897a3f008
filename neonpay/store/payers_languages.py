"""The language that buyers had when they paid, under which reports count their payments, and how it is forgotten."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, people
from neonpay.ledger.tables_rollups import rollup_languages
from neonpay.store.moved_sales import UNKNOWN, Naming, counted_up_to, move_sales

TASK: Final = "languages"
LANGUAGES: Final = f"analytics:{TASK}"
"""The periodic task whose position says up to which number the events are counted by language."""
PAID_IN: Final = "paid_in"
RETURNED_IN: Final = "returned_in"
"""What is counted by language, as ``neonpay.analytics.measures`` says it."""


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


_NAMING: Final = Naming(LANGUAGES, PAID_IN, RETURNED_IN, language_of_payment)


def forget_languages(transaction: Transaction, bot_id: int, user_id: int) -> int:
    """Nobody knows any more which language a person had when they paid, and reports count what they paid under none.

    Returns:
        How many payments had one of their own.
    """
    theirs = (payments.c.bot_id == bot_id, payments.c.user_id == user_id)
    # First, so that nobody counts anything of theirs meanwhile.
    counted = counted_up_to(transaction, _NAMING, bot_id)
    if counted:
        move_sales(transaction, _NAMING, bot_id, user_id, counted, UNKNOWN)
    had = sa.select(sa.func.count()).where(*theirs, payments.c.language_code != UNKNOWN)
    count = int(transaction.connection.execute(had).scalar_one())
    # Of those that have none as well, since the person may be seen again.
    unsaid = sa.or_(payments.c.language_code.is_(None), payments.c.language_code != UNKNOWN)
    transaction.connection.execute(sa.update(payments).where(*theirs, unsaid).values(language_code=UNKNOWN))
    kept = sa.delete(rollup_languages).where(rollup_languages.c.bot_id == bot_id, rollup_languages.c.user_id == user_id)
    transaction.connection.execute(kept)
    return count
