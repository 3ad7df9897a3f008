"""Customers of a list: each bot's buyers, those who paid last first, or those who paid most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import payments
from neonpay.web.names import Person, Who, read_people, users_called
from neonpay.web.paging import PAGE_ROWS, Place, after, merged

Order = Literal["newest", "most"]
_MOST_DIGITS: Final = 18
_KEPT: Final = sa.and_(payments.c.state != PaymentState.REFUNDED.value, payments.c.currency == CURRENCY)
"""Payments whose Stars are with the bot."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which customers somebody asks for; ``days_us`` is how long the period of "who paid most" is, in microseconds."""

    bots: Sequence[int]
    days_us: int
    order: Order
    words: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Customer:
    """One line of the list.

    Attributes:
        paid_stars: in all, less what went back.
        orders: how many payments, those that went back with them.
        paid_until: the end of the last period of a subscription that they paid; None when that is over, or there is none.
    """

    person: Person
    paid_stars: int = 0
    orders: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    paid_until: datetime | None = None
    in_period_stars: int | None = None


@dataclass(frozen=True, slots=True)
class Customers:
    """A page of the list."""

    rows: Sequence[Customer]
    next: Place | None
    now: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    who: Who
    place: Place
    stars: int | None = None


def read_customers(transaction: Transaction, wanted: Wanted) -> Customers:
    """A page of customers."""
    now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
    upcoming: Place | None = None
    if wanted.words:
        found = [_Found(who, Place(0, 0, "-")) for who in _called(transaction, wanted)[:PAGE_ROWS]]
    else:
        read = _newest if wanted.order == "newest" else _most
        streams = [
            read(transaction, bot_id, wanted, now_us - wanted.days_us, number)
            for number, bot_id in enumerate(wanted.bots)
        ]
        page = merged(streams, lambda one: one.place, descending=True)
        found, upcoming = list(page.rows), page.next
    everybody = _sums(transaction, [one.who for one in found], now_us)
    stars = {one.who: one.stars for one in found}
    rows = [_with(everybody[who], stars[who]) for who in stars]
    now: datetime = transaction.connection.execute(sa.select(sa.literal(now_us, payments.c.paid_at.type))).scalar_one()
    return Customers(rows, upcoming, now)


def _called(transaction: Transaction, wanted: Wanted) -> list[Who]:
    found = users_called(transaction, wanted.bots, wanted.words) if len(wanted.words) > 1 else []
    if wanted.words.isascii() and wanted.words.isdecimal() and len(wanted.words) <= _MOST_DIGITS:
        user_id = int(wanted.words)
        has_paid = (
            sa.select(payments.c.bot_id)
            .distinct()
            .where(payments.c.bot_id.in_(wanted.bots), payments.c.user_id == user_id)
        )
        known = read_people(transaction, {(bot_id, user_id) for bot_id in wanted.bots})
        paid = set(transaction.connection.execute(has_paid).scalars())
        found = [who for who, person in known.items() if who[0] in paid or person.first_name or person.username] + found
    return list(dict.fromkeys(found))


def _newest(transaction: Transaction, bot_id: int, wanted: Wanted, since_us: int, stream: int) -> list[_Found]:
    """Each buyer at their newest payment: one that has no newer one, which the index by user says."""
    newer = payments.alias("newer")
    at, key = payments.c.paid_at, payments.c.charge_id
    is_newer = sa.or_(newer.c.paid_at > at, sa.and_(newer.c.paid_at == at, newer.c.charge_id > key))
    has_newer = sa.exists().where(newer.c.bot_id == bot_id, newer.c.user_id == payments.c.user_id, is_newer)
    query = (
        sa.select(payments.c.user_id, at, key)
        .where(payments.c.bot_id == bot_id, sa.not_(has_newer))
        .where(*after(wanted.place, stream, at, key, descending=True))
        .order_by(at.desc(), key.desc())
        .limit(PAGE_ROWS + 1)
    )
    return [
        _Found((bot_id, row.user_id), Place(microseconds(row.paid_at), stream, row.charge_id))
        for row in transaction.connection.execute(query)
    ]


def _most(transaction: Transaction, bot_id: int, wanted: Wanted, since_us: int, stream: int) -> list[_Found]:
    paid_at = sa.type_coerce(payments.c.paid_at, sa.BigInteger)
    sums = (
        sa.select(payments.c.user_id, sa.func.sum(payments.c.amount_stars).label("stars"))
        .where(payments.c.bot_id == bot_id, _KEPT, paid_at >= sa.literal(since_us, sa.BigInteger))
        .group_by(payments.c.user_id)
        .subquery()
    )
    query = sa.select(sums.c.user_id, sums.c.stars)
    place = wanted.place
    if place is not None:
        key = int(place.key) if place.key.isascii() and place.key.isdecimal() and len(place.key) <= _MOST_DIGITS else 0
        fewer, as_many = sums.c.stars < place.at, sums.c.stars == place.at
        if stream == place.stream:
            query = query.where(sa.or_(fewer, sa.and_(as_many, sums.c.user_id < key)))
        else:
            query = query.where(fewer if stream < place.stream else sa.or_(fewer, as_many))
    ordered = query.order_by(sums.c.stars.desc(), sums.c.user_id.desc()).limit(PAGE_ROWS + 1)
    return [
        _Found((bot_id, row.user_id), Place(int(row.stars), stream, str(row.user_id)), int(row.stars))
        for row in transaction.connection.execute(ordered)
    ]


def _sums(transaction: Transaction, wanted: Sequence[Who], now_us: int) -> Mapping[Who, Customer]:
    people = read_people(transaction, wanted)
    found = {who: Customer(person) for who, person in people.items()}
    by_bot: dict[int, list[int]] = {}
    for bot_id, user_id in wanted:
        by_bot.setdefault(bot_id, []).append(user_id)
    kept = sa.case((_KEPT, payments.c.amount_stars), else_=0)
    until = sa.func.max(payments.c.subscription_expires_at)
    for bot_id, users in by_bot.items():
        query = (
            sa.select(
                payments.c.user_id,
                sa.func.sum(kept).label("stars"),
                sa.func.count().label("orders"),
                sa.func.min(payments.c.paid_at).label("first_at"),
                sa.func.max(payments.c.paid_at).label("last_at"),
                until.label("until"),
            )
            .where(payments.c.bot_id == bot_id, payments.c.user_id.in_(users))
            .group_by(payments.c.user_id)
        )
        for row in transaction.connection.execute(query):
            who = (bot_id, row.user_id)
            is_running = row.until is not None and microseconds(row.until) > now_us
            found[who] = Customer(
                people[who],
                int(row.stars),
                row.orders,
                row.first_at,
                row.last_at,
                row.until if is_running else None,
            )
    return found


def _with(customer: Customer, stars: int | None) -> Customer:
    return Customer(
        customer.person,
        customer.paid_stars,
        customer.orders,
        customer.first_at,
        customer.last_at,
        customer.paid_until,
        stars,
    )


def read_one(transaction: Transaction, who: Who) -> tuple[Customer, datetime]:
    """Somebody as a line of the list has them, and the time."""
    now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
    now: datetime = transaction.connection.execute(sa.select(sa.literal(now_us, payments.c.paid_at.type))).scalar_one()
    return _sums(transaction, [who], now_us)[who], now
