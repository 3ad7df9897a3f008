"""Counts what was paid, and what of it went back, by the language that the buyer had when they paid.

It has a task and a position of its own, so that a program of an earlier release, which fills the other rollups, leaves out
nothing here.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.measures import BY_LANGUAGE, IN_STARS, recorded_by
from neonpay.analytics.new_events import IS_NEW, NAMES
from neonpay.analytics.rollups import counting, insert_into, running
from neonpay.ledger import Statement
from neonpay.ledger.tables import events, payments
from neonpay.ledger.tables_rollups import rollup_languages
from neonpay.store.payers_languages import language_of_payment


def _kept(dialect: sa.Dialect) -> sa.ClauseElement:
    of_buyer: sa.Select[Any] = (
        sa.select(payments.c.bot_id, payments.c.user_id, language_of_payment())
        .join_from(events, payments, recorded_by())
        .where(IS_NEW, IN_STARS, payments.c.language_code.is_(None))
        .distinct()
    )
    insert = insert_into(dialect, rollup_languages).from_select(["bot_id", "user_id", "language_code"], of_buyer)
    kept: sa.ClauseElement = insert.on_conflict_do_nothing()
    return kept


STATEMENTS: Final = (Statement(_kept, *NAMES), *counting(sorted(BY_LANGUAGE)))
"""What is run for each batch: first whose language is kept, since it says under which they are counted."""
renew_languages: Final = running(STATEMENTS)
"""Whose payments have no language of their own keeps that under which the first of them counts."""
