"""Everything that the ledger has of one person at one bot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, payments, people, refund_requests
from neonpay.security.facts import Standing
from neonpay.security.profile import profile_of
from neonpay.store.own_titles import own_titles
from neonpay.store.persons_events import of_person
from neonpay.web.names import Who
from neonpay.web.pages.customers.query import Customer, read_one
from neonpay.web.pages.payments.search import titles
from neonpay.web.paging import PAGE_ROWS

_WINDOW_US: Final = 30 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of their timeline."""

    event_id: str
    name: str
    at: datetime
    charge_id: str | None
    product: str | None
    amount_stars: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Bought:
    """What they bought of one product; ``stars`` is what was paid, and ``returned`` how often it went back."""

    product: str | None
    count: int
    stars: int
    returned: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A person, what they did and what was decided about them.

    Attributes:
        next: after which event the next page of the timeline begins; None at the end.
        standing: what the seller has decided about them.
        declined, refunds: how often within thirty days.
    """

    customer: Customer
    language_code: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    standing: Standing
    declined: int
    refunds: int
    bought: Sequence[Bought]
    timeline: Sequence[Happened]
    next: str | None
    requests: Mapping[str, str]
    now: datetime


def read_person(transaction: Transaction, who: Who, before: str) -> Whole | None:
    """Everything about somebody; None when the ledger has never heard of them.

    Args:
        before: the event that the page of the timeline comes before; empty for its newest.
    """
    bot_id, user_id = who
    customer, now = read_one(transaction, who)
    seen = transaction.connection.execute(
        sa.select(people.c.language_code, people.c.first_seen, people.c.last_seen).where(
            people.c.bot_id == bot_id, people.c.user_id == user_id
        )
    ).first()
    known = titles(transaction, [bot_id])
    timeline = _timeline(transaction, who, before, known)
    profile = profile_of(transaction, bot_id, user_id, _WINDOW_US)
    if seen is None and not customer.orders and not timeline and not before and profile.standing.since is None:
        return None
    return Whole(
        customer,
        None if seen is None else seen.language_code,
        None if seen is None else seen.first_seen,
        None if seen is None else seen.last_seen,
        profile.standing,
        profile.failed_attempts,
        profile.refunds,
        _bought(transaction, who, known),
        timeline[:PAGE_ROWS],
        timeline[PAGE_ROWS - 1].event_id if len(timeline) > PAGE_ROWS else None,
        _requests(transaction, who),
        now,
    )


def _timeline(transaction: Transaction, who: Who, before: str, known: Mapping[str, str]) -> list[Happened]:
    query = sa.select(events).where(*of_person(*who, before=before))
    newest_first = query.order_by(events.c.event_id.desc()).limit(PAGE_ROWS + 1)
    rows = transaction.connection.execute(newest_first).mappings().all()
    own = own_titles(transaction, [(who[0], row["invoice_id"]) for row in rows])
    return [
        Happened(
            row["event_id"],
            row["name"],
            row["at"],
            row["charge_id"],
            own.get(row["invoice_id"]) or known.get(row["stage_id"], row["stage_id"]),
            row["amount_stars"],
            row["reason"],
        )
        for row in rows
    ]


def _bought(transaction: Transaction, who: Who, known: Mapping[str, str]) -> list[Bought]:
    returned = sa.case((payments.c.state == "refunded", 1), else_=0)
    stars = sa.func.sum(payments.c.amount_stars).label("stars")
    query = (
        sa.select(payments.c.stage_id, sa.func.count(), stars, sa.func.sum(returned))
        .where(payments.c.bot_id == who[0], payments.c.user_id == who[1])
        .group_by(payments.c.stage_id)
        .order_by(stars.desc())
        .limit(PAGE_ROWS)
    )
    return [
        Bought(known.get(stage_id, stage_id), count, int(paid), int(back))
        for stage_id, count, paid, back in transaction.connection.execute(query)
    ]


def _requests(transaction: Transaction, who: Who) -> dict[str, str]:
    """Open requests of theirs, by charge."""
    query = sa.select(refund_requests.c.charge_id, refund_requests.c.request_id).where(
        refund_requests.c.bot_id == who[0], refund_requests.c.user_id == who[1], refund_requests.c.state == "open"
    )
    rows = transaction.connection.execute(query.limit(PAGE_ROWS))
    return {row.charge_id: row.request_id for row in rows}
