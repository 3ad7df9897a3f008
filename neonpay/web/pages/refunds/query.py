"""Requests and refunds, with what was paid and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.payments import PaymentState, Refund, RefundState, Source
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import payments, refund_requests, refunds
from neonpay.store.own_titles import own_titles
from neonpay.web.names import Person, read_people
from neonpay.web.pages.payments.search import titles
from neonpay.web.paging import PAGE_ROWS, Place, after, merged

Tab = Literal["all", "under-way", "failed", "done"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)
MOST_WAITING: Final = 50
_MOST_DECIDED: Final = 10
_STATES: Final[Mapping[Tab, tuple[str, ...]]] = {
    "under-way": (RefundState.INTENDED.value, RefundState.UNKNOWN.value),
    "failed": (RefundState.FAILED.value,),
    "done": (RefundState.REFUNDED.value,),
}


@dataclass(frozen=True, slots=True)
class Sought:
    """Which refunds somebody asks for; ``days_us`` is how long the period is, in microseconds."""

    bots: Sequence[int]
    days_us: int
    tab: Tab
    place: Place | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A buyer's request, with what it is about.

    Attributes:
        product: None when the ledger does not know what was sold.
        paid_at: None when the ledger does not have the payment.
    """

    request: RefundRequest
    product: str | None
    amount_stars: int
    paid_at: datetime | None
    state: PaymentState | None


@dataclass(frozen=True, slots=True)
class Returned:
    """A refund, with what it is about."""

    refund: Refund
    product: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page shows.

    Attributes:
        waiting: requests that nobody has decided, those that wait longest first.
        waits: how many there are of them.
        counts, stars: of refunds, under each tab.
    """

    waiting: Sequence[Asked]
    waits: int
    decided: Sequence[Asked]
    rows: Sequence[Returned]
    next: Place | None
    counts: Mapping[Tab, int]
    stars: int
    people: Mapping[tuple[int, int], Person]
    now: datetime


def read_desk(transaction: Transaction, sought: Sought) -> Desk:
    """Requests that wait, some that were decided, and a page of refunds."""
    now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
    known = titles(transaction, sought.bots)
    is_open = refund_requests.c.state == RequestState.OPEN.value
    of_bots = refund_requests.c.bot_id.in_(sought.bots)
    waits = transaction.connection.execute(
        sa.select(sa.func.count()).select_from(refund_requests).where(of_bots, is_open)
    )
    oldest = (refund_requests.c.requested_at.asc(), refund_requests.c.request_id)
    waiting = _requests(transaction, known, [of_bots, is_open], oldest, MOST_WAITING)
    was_decided = refund_requests.c.state.in_((RequestState.APPROVED.value, RequestState.REFUSED.value))
    newest = (refund_requests.c.decided_at.desc(), refund_requests.c.request_id)
    decided = _requests(transaction, known, [of_bots, was_decided], newest, _MOST_DECIDED)
    streams = [
        _refunds(transaction, bot_id, sought, known, now_us - sought.days_us, number)
        for number, bot_id in enumerate(sought.bots)
    ]
    page = merged(streams, lambda row: row.place, descending=True)
    counts, stars = _counts(transaction, sought, now_us - sought.days_us)
    who = {(one.request.bot_id, one.request.user_id) for one in (*waiting, *decided)}
    who |= {(one.refund.bot_id, one.refund.user_id) for one in page.rows}
    now: datetime = transaction.connection.execute(
        sa.select(sa.literal(now_us, refunds.c.requested_at.type))
    ).scalar_one()
    return Desk(
        waiting,
        int(waits.scalar_one()),
        decided,
        page.rows,
        page.next,
        counts,
        stars,
        read_people(transaction, who),
        now,
    )


def read_request(transaction: Transaction, bot_id: int, request_id: str) -> tuple[Asked, Person, datetime] | None:
    """A request with this id, who asks, and the time; None when there is none, or it was not sent."""
    where = [
        refund_requests.c.bot_id == bot_id,
        refund_requests.c.request_id == request_id,
        refund_requests.c.state != RequestState.DRAFT.value,
    ]
    order = (refund_requests.c.request_id,)
    found = _requests(transaction, titles(transaction, [bot_id]), where, order, 1)
    if not found:
        return None
    who = (bot_id, found[0].request.user_id)
    now: datetime = transaction.connection.execute(
        sa.select(sa.type_coerce(DatabaseNow(), refunds.c.requested_at.type))
    ).scalar_one()
    return found[0], read_people(transaction, {who})[who], now


def _requests(
    transaction: Transaction,
    known: Mapping[str, str],
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[object]],
    limit: int,
) -> list[Asked]:
    about = sa.and_(payments.c.bot_id == refund_requests.c.bot_id, payments.c.charge_id == refund_requests.c.charge_id)
    columns = (
        payments.c.stage_id,
        payments.c.invoice_id,
        payments.c.amount_stars,
        payments.c.paid_at,
        payments.c.state.label("paid_state"),
    )
    query = sa.select(refund_requests, *columns).select_from(sa.outerjoin(refund_requests, payments, about))
    rows = transaction.connection.execute(query.where(*where).order_by(*order).limit(limit)).mappings().all()
    own = own_titles(transaction, [(row["bot_id"], row["invoice_id"]) for row in rows])
    found = []
    for row in rows:
        fields = {column.name: row[column.name] for column in refund_requests.c}
        request = RefundRequest(**{**fields, "state": RequestState(fields["state"])})
        state = None if row["paid_state"] is None else PaymentState(row["paid_state"])
        product = own.get(row["invoice_id"]) or known.get(row["stage_id"], row["stage_id"])
        found.append(Asked(request, product, row["amount_stars"] or 0, row["paid_at"], state))
    return found


def _refunds(
    transaction: Transaction, bot_id: int, sought: Sought, known: Mapping[str, str], since_us: int, stream: int
) -> list[Returned]:
    at, key = refunds.c.requested_at, refunds.c.charge_id
    about = sa.and_(payments.c.bot_id == refunds.c.bot_id, payments.c.charge_id == refunds.c.charge_id)
    query = (
        sa.select(refunds, payments.c.stage_id, payments.c.invoice_id)
        .select_from(sa.outerjoin(refunds, payments, about))
        .where(refunds.c.bot_id == bot_id, *_in_tab(sought.tab, since_us))
        .where(*after(sought.place, stream, at, key, descending=True))
        .order_by(at.desc(), key.desc())
        .limit(PAGE_ROWS + 1)
    )
    rows = transaction.connection.execute(query).mappings().all()
    own = own_titles(transaction, [(bot_id, row["invoice_id"]) for row in rows])
    found = []
    for row in rows:
        of_table = {column.name: row[column.name] for column in refunds.c}
        refund = Refund(**{**of_table, "state": RefundState(of_table["state"]), "source": Source(of_table["source"])})
        place = Place(microseconds(refund.requested_at), stream, refund.charge_id)
        product = own.get(row["invoice_id"]) or known.get(row["stage_id"], row["stage_id"])
        found.append(Returned(refund, product, place))
    return found


def _in_tab(tab: Tab, since_us: int) -> list[sa.ColumnElement[bool]]:
    """The condition of a tab: what is not done stays there however old it is."""
    in_period = sa.type_coerce(refunds.c.requested_at, sa.BigInteger) >= sa.literal(since_us, sa.BigInteger)
    states = _STATES.get(tab)
    if states is None:
        return [in_period]
    return [refunds.c.state.in_(states), *([in_period] if tab == "done" else [])]


def _counts(transaction: Transaction, sought: Sought, since_us: int) -> tuple[dict[Tab, int], int]:
    counts: dict[Tab, int] = {}
    stars = 0
    for tab in TABS:
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(refunds.c.amount_stars), 0))
        row = transaction.connection.execute(
            query.select_from(refunds).where(refunds.c.bot_id.in_(sought.bots), *_in_tab(tab, since_us))
        ).one()
        counts[tab] = int(row[0])
        stars = int(row[1]) if tab == "done" else stars
    return counts, stars
