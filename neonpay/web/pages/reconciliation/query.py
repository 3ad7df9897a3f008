"""What the page of reconciliation names one by one: payments that Telegram does not have, and when each bot was compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.analytics import Scope
from neonpay.analytics.accounts import tallies
from neonpay.analytics.titles import titles
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, unexplained
from neonpay.store.own_titles import own_titles
from neonpay.web.names import Person, read_people

MISSING_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Missing:
    """A payment that Telegram's list does not have."""

    bot_id: int
    charge_id: str
    person: Person
    product: str | None
    amount_stars: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """When a bot was last compared with Telegram; None when it never was."""

    bot_id: int
    at: datetime | None
    drift_nanostars: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """What the page names."""

    missing: Sequence[Missing]
    compared: Sequence[Compared]


def read_books(transaction: Transaction, bots: Sequence[int]) -> Books:
    """The payments of these bots that Telegram's list does not have, newest first, and the last comparison of each bot."""
    scope = Scope.of(bots)
    is_it = sa.and_(payments.c.bot_id == unexplained.c.bot_id, payments.c.charge_id == unexplained.c.charge_id)
    names_of = ("bot_id", "charge_id", "user_id", "stage_id", "invoice_id", "amount_stars", "paid_at")
    columns = [payments.c[name] for name in names_of]
    found = sa.select(*columns).join_from(unexplained, payments, is_it).where(unexplained.c.bot_id.in_(bots))
    # Found whole and then ordered: SQLite would go through all payments, newest first, until it has met enough of these.
    missing_ones = found.cte("missing").prefix_with("MATERIALIZED")
    query = (
        sa.select(missing_ones).order_by(missing_ones.c.paid_at.desc(), missing_ones.c.charge_id).limit(MISSING_SHOWN)
    )
    rows = transaction.connection.execute(query).all()
    people = read_people(transaction, {(row.bot_id, row.user_id) for row in rows})
    names = titles(transaction, scope) if rows else {}
    own = own_titles(transaction, [(row.bot_id, row.invoice_id) for row in rows])
    known = tallies(transaction, scope)
    compared = []
    for bot_id in bots:
        tally = known.get(bot_id)
        has_been = tally is not None and tally.balance is not None
        at = moment(tally.compared_us) if tally is not None and has_been else None
        compared.append(Compared(bot_id, at, tally.drift if tally is not None else 0))
    missing = [
        Missing(
            bot_id=row.bot_id,
            charge_id=row.charge_id,
            person=people[row.bot_id, row.user_id],
            product=own.get(row.invoice_id) or names.get(row.stage_id, row.stage_id),
            amount_stars=row.amount_stars,
            paid_at=row.paid_at,
        )
        for row in rows
    ]
    return Books(missing, compared)
