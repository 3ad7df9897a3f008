"""The rows of the list: payments and declined checkouts, newest first or oldest first, fifty at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

import sqlalchemy as sa

from neonpay.analytics.declines import count_declines
from neonpay.analytics.measures import microseconds_of
from neonpay.core.clock import microseconds
from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow, unindexed
from neonpay.ledger.tables import IS_DECLINED, IS_NOT_ACCEPTED, IS_PARKED, IS_UNFINISHED, events, jobs, payments
from neonpay.payments.consumers.selection import PLAN
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.payments.waiting import needs_person
from neonpay.store.few_jobs import charges_of
from neonpay.store.job_rows import JobRecord
from neonpay.store.own_titles import own_titles
from neonpay.store.payment_rows import payment_of, select_payments
from neonpay.store.stage_versions import Catalogue
from neonpay.web.names import Person, read_people
from neonpay.web.pages.payments.life import Life, life_of
from neonpay.web.pages.payments.search import Search, read_search, titles
from neonpay.web.paging import PAGE_ROWS, Place, after, merged

Tab = Literal["all", "need-you", "delivered", "refunded", "declined"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)
_FEW: Final[tuple[Tab, ...]] = ("need-you", "refunded")
MOST_COUNTED: Final = 10_000
"""Where counting ends while something is looked for."""
_NONE_HAS_NUMBER: Final = -1


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows somebody asks for.

    Attributes:
        days_us: how long ago the period begins, in microseconds; None for all time.
        words: what was typed into the search.
    """

    bots: Sequence[int]
    days_us: int | None
    tab: Tab = "all"
    words: str = ""
    stage_id: str = ""
    descending: bool = True
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list.

    Attributes:
        charge_id: of a payment; None for a declined checkout.
        amount_stars: what was paid; None where nothing was.
        reason: why a checkout was declined.
    """

    bot_id: int
    charge_id: str | None
    invoice_id: str | None
    user_id: int
    product: str | None
    life: Life
    at: datetime
    amount_stars: int | None
    place: Place
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list.

    Attributes:
        counts: how many there are under each tab; see ``is_more``.
        is_more: the tabs whose counting ended at ``MOST_COUNTED``.
        titles: every product, by stage id.
        is_empty: whether these bots have sold nothing yet and declined nothing.
    """

    rows: Sequence[Row]
    next: Place | None
    counts: Mapping[Tab, int]
    is_more: frozenset[Tab]
    people: Mapping[tuple[int, int], Person]
    titles: Mapping[str, str]
    now: datetime
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class _Conditions:
    """What rows of one bot have to meet."""

    payments: list[sa.ColumnElement[bool]]
    declines: list[sa.ColumnElement[bool]]


def read_list(transaction: Transaction, asked: Asked) -> Found:
    """A page of payments and declined checkouts."""
    now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
    search = read_search(transaction, asked.bots, asked.words) if asked.words else None
    streams: list[Sequence[Row]] = []
    counts: dict[Tab, int] = dict.fromkeys(TABS, 0)
    more: set[Tab] = set()
    known = titles(transaction, asked.bots)
    for number, bot_id in enumerate(asked.bots):
        for tab, count in _counts(transaction, bot_id, asked, search, now_us, more).items():
            counts[tab] += count
        where = _conditions(bot_id, asked, search, now_us, asked.tab)
        if asked.tab != "declined":
            is_of_few = asked.tab == "need-you" or (search is not None and search.is_of_few)
            streams.append(_payments(transaction, bot_id, asked, where, number * 2, is_of_few=is_of_few))
        if asked.tab in {"all", "declined"}:
            is_of_few = search is not None and search.is_of_few
            streams.append(_declines(transaction, bot_id, asked, where, number * 2 + 1, known, is_of_few=is_of_few))
    page = merged(streams, lambda row: row.place, descending=asked.descending)
    called = read_people(transaction, {(row.bot_id, row.user_id) for row in page.rows})
    is_empty = not any(counts.values()) and not _has_any(transaction, asked.bots)
    now: datetime = transaction.connection.execute(sa.select(sa.literal(now_us, payments.c.paid_at.type))).scalar_one()
    return Found(page.rows, page.next, counts, frozenset(more), called, known, now, is_empty)


def _conditions(bot_id: int, asked: Asked, search: Search | None, now_us: int, tab: Tab) -> _Conditions:
    paid = [payments.c.bot_id == bot_id]
    declined = [events.c.bot_id == bot_id, IS_DECLINED]
    if asked.days_us is not None and search is None and tab != "need-you":  # whoever waits does so however long ago
        since = sa.literal(now_us - asked.days_us, sa.BigInteger)
        paid_at = microseconds_of(payments.c.paid_at)
        # What has gone back is little, and has an index of its own.
        paid.append((unindexed(paid_at) if tab == "refunded" else paid_at) >= since)
        declined.append(microseconds_of(events.c.at) >= since)
    if search is not None:
        paid.append(search.payments(bot_id))
        declined.append(search.declines(bot_id))
    if asked.stage_id:
        paid.append(payments.c.stage_id == asked.stage_id)
        declined.append(events.c.stage_id == asked.stage_id)
    if tab == "need-you":
        paid.append(needs_person(bot_id))
    elif tab == "delivered":
        paid += [payments.c.state == PaymentState.ACCEPTED.value, sa.not_(_has_open_job(bot_id))]
    elif tab == "refunded":
        paid += [IS_NOT_ACCEPTED, payments.c.state == sa.literal_column(f"'{PaymentState.REFUNDED.value}'")]
    return _Conditions(paid, declined)


def _has_open_job(bot_id: int) -> sa.ColumnElement[bool]:
    is_delivery = sa.or_(jobs.c.consumer.startswith(f"{ON_PAYMENT}:"), jobs.c.consumer == PLAN)
    keeps_open = sa.or_(is_delivery, jobs.c.state == JobState.DEAD.value)
    of_it = (jobs.c.bot_id == bot_id, jobs.c.event_id == payments.c.event_id)
    return sa.exists().where(*of_it, sa.or_(IS_UNFINISHED, IS_PARKED), keeps_open)


def _counts(
    transaction: Transaction, bot_id: int, asked: Asked, search: Search | None, now_us: int, more: set[Tab]
) -> dict[Tab, int]:
    """How many rows of a bot stand under each tab."""
    is_narrow = bool(asked.words or asked.stage_id)
    wheres = {tab: _conditions(bot_id, asked, search, now_us, tab) for tab in TABS}

    def number(tab: Tab, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        if not is_narrow:
            query = sa.select(sa.func.count()).select_from(table).where(*conditions)
            return int(transaction.connection.execute(query).scalar_one())
        some = sa.select(sa.literal(1)).select_from(table).where(*conditions).limit(MOST_COUNTED + 1).subquery()
        found = int(transaction.connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
        if found > MOST_COUNTED:
            more.add(tab)
        return min(found, MOST_COUNTED)

    paid = number("all", payments, *wheres["all"].payments)
    if is_narrow or asked.days_us is None:
        declined = number("declined", events, *wheres["declined"].declines)
    else:
        declined = count_declines(transaction, bot_id, now_us - asked.days_us)
    if declined >= MOST_COUNTED and "declined" in more:
        more.add("all")
    waiting, refunded = [number(tab, payments, *wheres[tab].payments) for tab in _FEW]
    if is_narrow:
        delivered = number("delivered", payments, *wheres["delivered"].payments)
    else:
        # Nearly all are delivered: the others are counted, which the narrow indexes have.
        delivered = paid - _undelivered(transaction, bot_id, asked, now_us)
    return {
        "all": paid + declined,
        "need-you": waiting,
        "delivered": delivered,
        "refunded": refunded,
        "declined": declined,
    }


def _undelivered(transaction: Transaction, bot_id: int, asked: Asked, now_us: int) -> int:
    """How many payments of the period are not accepted, or have a delivery that has not ended."""
    in_time = [payments.c.bot_id == bot_id]
    if asked.days_us is not None:
        since = sa.literal(now_us - asked.days_us, sa.BigInteger)
        in_time.append(unindexed(microseconds_of(payments.c.paid_at)) >= since)
    parts = sa.union_all(*[charges_of(bot_id, narrow) for narrow in (IS_UNFINISHED, IS_PARKED)]).subquery()
    is_open = payments.c.charge_id.in_(sa.select(parts.c.charge_id))
    is_accepted = payments.c.state == PaymentState.ACCEPTED.value
    found = 0
    for conditions in ([IS_NOT_ACCEPTED], [is_open, is_accepted, _has_open_job(bot_id)]):
        query = sa.select(sa.func.count()).select_from(payments).where(*in_time, *conditions)
        found += int(transaction.connection.execute(query).scalar_one())
    return found


def _payments(
    transaction: Transaction, bot_id: int, asked: Asked, where: _Conditions, stream: int, *, is_of_few: bool
) -> Sequence[Row]:
    at, key = payments.c.paid_at, payments.c.charge_id
    query = select_payments(bot_id).where(
        *where.payments, *after(asked.place, stream, at, key, descending=asked.descending)
    )
    rows = transaction.connection.execute(_ordered(query, at, key, asked, is_of_few=is_of_few)).mappings().all()
    waits = _waiting(transaction, bot_id, [row["charge_id"] for row in rows])
    of_event = _jobs(transaction, bot_id, [row["event_id"] for row in rows])
    catalogue = Catalogue(bot_id)
    listed = []
    for row in rows:
        paid = payment_of(transaction, catalogue, row)
        life = life_of(paid, of_event.get(row["event_id"], ()), needs_person=paid.charge_id in waits)
        listed.append(
            Row(
                bot_id=bot_id,
                charge_id=paid.charge_id,
                invoice_id=paid.invoice_id,
                user_id=paid.user_id,
                product=paid.title,
                life=life,
                at=paid.paid_at,
                amount_stars=paid.amount_stars,
                place=Place(microseconds(paid.paid_at), stream, paid.charge_id),
            )
        )
    return listed


def _declines(
    transaction: Transaction,
    bot_id: int,
    asked: Asked,
    where: _Conditions,
    stream: int,
    known: Mapping[str, str],
    *,
    is_of_few: bool,
) -> Sequence[Row]:
    at, key = events.c.at, events.c.event_id
    query = sa.select(events).where(*where.declines, *after(asked.place, stream, at, key, descending=asked.descending))
    rows = transaction.connection.execute(_ordered(query, at, key, asked, is_of_few=is_of_few)).mappings().all()
    own = own_titles(transaction, [(bot_id, row["invoice_id"]) for row in rows])
    return [
        Row(
            bot_id=bot_id,
            charge_id=None,
            invoice_id=row["invoice_id"],
            user_id=row["user_id"] or _NONE_HAS_NUMBER,
            product=own.get(row["invoice_id"]) or known.get(row["stage_id"], row["stage_id"]),
            life=Life("declined", "declined"),
            at=row["at"],
            amount_stars=None,
            place=Place(microseconds(row["at"]), stream, row["event_id"]),
            reason=row["reason"],
        )
        for row in rows
    ]


def _ordered(
    query: sa.Select[tuple[object, ...]],
    at: sa.Column[datetime],
    key: sa.Column[str],
    asked: Asked,
    *,
    is_of_few: bool,
) -> sa.Select[tuple[object, ...]]:
    # What is few is found first and ordered then: by the index of times SQLite would go through all until it has met enough.
    by = unindexed(microseconds_of(at)) if is_of_few else at
    order = (by.desc(), key.desc()) if asked.descending else (by.asc(), key.asc())
    return query.order_by(*order).limit(PAGE_ROWS + 1)


def _waiting(transaction: Transaction, bot_id: int, charge_ids: Sequence[str]) -> frozenset[str]:
    if not charge_ids:
        return frozenset()
    query = sa.select(payments.c.charge_id).where(
        payments.c.bot_id == bot_id, payments.c.charge_id.in_(charge_ids), needs_person(bot_id)
    )
    return frozenset(transaction.connection.execute(query).scalars())


def _jobs(transaction: Transaction, bot_id: int, event_ids: Sequence[str]) -> Mapping[str, list[JobRecord]]:
    found: dict[str, list[JobRecord]] = {}
    columns = (jobs.c.charge_id, jobs.c.consumer, jobs.c.state, jobs.c.attempts, jobs.c.error, jobs.c.event_id)
    query = sa.select(*columns).where(jobs.c.bot_id == bot_id, jobs.c.event_id.in_(event_ids))
    for row in transaction.connection.execute(query.order_by(jobs.c.consumer)) if event_ids else ():
        record = JobRecord(*row)
        found.setdefault(record.event_id, []).append(record)
    return found


def _has_any(transaction: Transaction, bots: Sequence[int]) -> bool:
    """Whether any of these bots has a payment or a declined checkout at all."""
    paid = sa.exists().where(payments.c.bot_id.in_(bots))
    declined = sa.exists().where(events.c.bot_id.in_(bots), IS_DECLINED)
    return bool(transaction.connection.execute(sa.select(sa.or_(paid, declined))).scalar_one())
