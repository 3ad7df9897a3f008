"""What is counted, each written once: a select of one row for each thing that is counted, from the tables that hold the facts.

A row is (``bot_id``, ``at``, ``stage_id``, ``kind``, ``detail``, ``value``). ``at`` says in which bucket it counts. Rollups are
filled by these selects, and what no rollup has yet is read by them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from neonpay.core.events import (
    CheckoutApproved,
    CheckoutDeclined,
    InvoiceCreated,
    PaymentDelivered,
    PaymentRefunded,
)
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import RefundState
from neonpay.core.transactions import NANOSTARS
from neonpay.ledger.table_kit import is_text
from neonpay.ledger.tables import events, invoices, journal, payments, refunds
from neonpay.store import first_touches as sources
from neonpay.store import moved_sales
from neonpay.store import payers_languages as languages
from neonpay.store.entries import REFUNDS, REVENUE, STARS, UNSETTLED

Rows = sa.Select[Any]

ONE_OFF: Final = moved_sales.ONE_OFF
FIRST: Final = "first"
RENEWAL: Final = "renewal"


class Measure(enum.StrEnum):
    """What is counted.

    Attributes:
        PAID: payments in Stars, whatever has become of them, at their time of payment; ``value`` is their Stars.
        RETURNED: payments that were refunded, at their time of payment.
        PAID_IN, RETURNED_IN: the same two; ``detail`` is the language that the buyer had when they paid, and ``kind`` says only
            what is one-off.
        PAID_FROM, RETURNED_FROM: the same, but ``detail`` is where the buyer came from first, as far as it is known today.
        REFUNDED: the same, at the time at which they were refunded.
        INVOICED: invoices that were written; ``value`` is their price.
        SETTLED: invoices that were paid, each once, at the time at which they were written.
        APPROVED: checkouts that were approved.
        DECLINED: checkouts that were declined; ``detail`` is why.
        DELIVERED: payments that were delivered, at their time of payment.
        WAITED: the same, of whatever kind; ``value`` is how long it took, in milliseconds.
        SHARED: invoices that anybody may pay, each once, at the time of the twentieth payment; ``detail`` is which.
        MOVED: Stars that came or went otherwise than by payments of ours, at the time at which they were booked; ``detail`` is
            the account, and ``value`` what they have done to the balance, in nanostars.
        BALANCE: whole Stars on the account of what Telegram holds, all at one time, 0.
        BALANCE_REST: the nanostars beside them.
    """

    PAID = "paid"
    RETURNED = "returned"
    PAID_IN = languages.PAID_IN
    RETURNED_IN = languages.RETURNED_IN
    PAID_FROM = sources.PAID_FROM
    RETURNED_FROM = sources.RETURNED_FROM
    REFUNDED = "refunded"
    INVOICED = "invoiced"
    SETTLED = "settled"
    APPROVED = "approved"
    DECLINED = "declined"
    DELIVERED = "delivered"
    WAITED = "waited"
    SHARED = "shared"
    MOVED = "moved"
    BALANCE = "balance"
    BALANCE_REST = "balance_rest"


BY_LANGUAGE: Final = frozenset({Measure.PAID_IN, Measure.RETURNED_IN})
BY_SOURCE: Final = frozenset({Measure.PAID_FROM, Measure.RETURNED_FROM})
"""Measures that tasks of their own roll up, so that a program of before, which fills the others, leaves out nothing here."""
EXACT: Final = frozenset({Measure.PAID, Measure.RETURNED, Measure.REFUNDED, *BY_LANGUAGE, *BY_SOURCE})
"""Measures that are cut at any moment; of the others only whole quarters of an hour are counted."""


def rows_of(measure: Measure, tail: sa.ColumnElement[bool] | None = None) -> Rows:
    """All that is counted by a measure, or what the events that ``tail`` chooses tell of."""
    return _MEASURES[measure](tail)


def microseconds_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """A moment as the number that is stored."""
    return sa.type_coerce(column, sa.BigInteger)


def _row(
    bot_id: sa.ColumnElement[int],
    at: sa.ColumnElement[Any],
    stage_id: sa.ColumnElement[Any],
    value: sa.ColumnElement[Any],
    kind: sa.ColumnElement[str] | None = None,
    detail: sa.ColumnElement[Any] | None = None,
) -> Rows:
    none = sa.literal_column("''", sa.Text)
    return sa.select(
        bot_id.label("bot_id"),
        microseconds_of(at).label("at"),
        sa.func.coalesce(stage_id, none).label("stage_id"),
        (none if kind is None else kind).label("kind"),
        (none if detail is None else sa.func.coalesce(detail, none)).label("detail"),
        value.label("value"),
    )


_NO_STAGE: Final = sa.literal_column("NULL", sa.Text)
_ALWAYS: Final = sa.literal_column("0", sa.BigInteger)
_KIND: Final = sa.case(
    (payments.c.is_recurring == sa.literal_column("0"), sa.literal_column(f"'{ONE_OFF}'")),
    (payments.c.is_first_recurring == sa.literal_column("1"), sa.literal_column(f"'{FIRST}'")),
    else_=sa.literal_column(f"'{RENEWAL}'"),
)
_IS_ONE_OFF: Final = sa.case(
    (payments.c.is_recurring == sa.literal_column("0"), sa.literal_column(f"'{ONE_OFF}'")),
    else_=sa.literal_column("''"),
)
IN_STARS: Final = payments.c.currency == CURRENCY
"""Whether a payment moved Stars; another currency is in no figure."""
IS_BACK: Final = is_text(refunds.c.state, RefundState.REFUNDED)
"""Whether a refund has been made."""
_ITS_PAYMENT: Final = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.charge_id == events.c.charge_id)
_ITS_REFUND: Final = sa.and_(refunds.c.bot_id == payments.c.bot_id, refunds.c.charge_id == payments.c.charge_id)
_ITS_INVOICE: Final = sa.and_(invoices.c.bot_id == payments.c.bot_id, invoices.c.invoice_id == payments.c.invoice_id)


def _paid(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_payments(_payment(payments.c.paid_at), tail)


def _paid_in(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_payments(_payment_by(languages.language_of_payment()), tail)


def _paid_from(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_payments(_payment_by(sources.source_of_payment()), tail)


def _payment(at: sa.ColumnElement[Any]) -> Rows:
    return _row(payments.c.bot_id, at, payments.c.stage_id, payments.c.amount_stars, _KIND).where(IN_STARS)


def _payment_by(name: sa.ColumnElement[str]) -> Rows:
    stars = payments.c.amount_stars
    rows = _row(payments.c.bot_id, payments.c.paid_at, payments.c.stage_id, stars, _IS_ONE_OFF, name)
    return rows.where(IN_STARS)


def _settled(tail: sa.ColumnElement[bool] | None) -> Rows:
    rows = _row(payments.c.bot_id, invoices.c.created_at, invoices.c.stage_id, invoices.c.price_stars)
    joined = rows.select_from(payments).where(payments.c.number == sa.literal_column("1"))
    if tail is None:
        return joined.join(invoices, _ITS_INVOICE)
    begun = rows.select_from(events).join(payments, recorded_by()).join(invoices, _ITS_INVOICE)
    return begun.where(payments.c.number == sa.literal_column("1"), tail)


def _of_payments(rows: Rows, tail: sa.ColumnElement[bool] | None) -> Rows:
    if tail is None:
        return rows.select_from(payments)
    # From the events to the payments by their keys, since what is new is few.
    return rows.select_from(events).join(payments, recorded_by()).where(tail)


def recorded_by() -> sa.ColumnElement[bool]:
    """Whether an event is the one that told of the recording of a payment."""
    return sa.and_(_ITS_PAYMENT, payments.c.event_id == events.c.event_id)


def _returned(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_refunds(_payment(payments.c.paid_at), tail)


def _returned_in(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_refunds(_payment_by(languages.language_of_payment()), tail)


def _returned_from(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_refunds(_payment_by(sources.source_of_payment()), tail)


def _refunded(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_refunds(_payment(refunds.c.finished_at), tail)


def _of_refunds(rows: Rows, tail: sa.ColumnElement[bool] | None) -> Rows:
    rows = rows.where(IS_BACK)
    if tail is None:
        return rows.select_from(payments).join(refunds, _ITS_REFUND)
    begun = rows.select_from(events).join(payments, _ITS_PAYMENT).join(refunds, _ITS_REFUND)
    return begun.where(is_text(events.c.name, PaymentRefunded.name), tail)


def _told(name: str, detail: sa.ColumnElement[Any] | None = None) -> Callable[[sa.ColumnElement[bool] | None], Rows]:
    def rows(tail: sa.ColumnElement[bool] | None) -> Rows:
        value = sa.func.coalesce(events.c.amount_stars, sa.literal_column("0"))
        told = _row(events.c.bot_id, events.c.at, events.c.stage_id, value, detail=detail)
        told = told.where(is_text(events.c.name, name))
        return told if tail is None else told.where(tail)

    return rows


def _delivered(tail: sa.ColumnElement[bool] | None) -> Rows:
    return _of_deliveries(_row(payments.c.bot_id, payments.c.paid_at, payments.c.stage_id, _ALWAYS, _KIND), tail)


def _waited(tail: sa.ColumnElement[bool] | None) -> Rows:
    wait_us = microseconds_of(events.c.at) - microseconds_of(payments.c.paid_at)
    return _of_deliveries(_row(payments.c.bot_id, payments.c.paid_at, payments.c.stage_id, two_digits(wait_us)), tail)


def _of_deliveries(rows: Rows, tail: sa.ColumnElement[bool] | None) -> Rows:
    rows = rows.select_from(events).join(payments, _ITS_PAYMENT)
    rows = rows.where(IN_STARS, is_text(events.c.name, PaymentDelivered.name))
    return rows if tail is None else rows.where(tail)


LINK_PAYERS_MIN: Final = 20
"""How many people pay one invoice before anybody wonders."""


def _shared(tail: sa.ColumnElement[bool] | None) -> Rows:
    rows = _row(payments.c.bot_id, payments.c.paid_at, payments.c.stage_id, _ALWAYS, detail=payments.c.invoice_id)
    rows = rows.where(payments.c.number == sa.literal_column(str(LINK_PAYERS_MIN)), invoices.c.user_id.is_(None))
    if tail is None:
        return rows.select_from(payments).join(invoices, _ITS_INVOICE)
    return rows.select_from(events).join(payments, recorded_by()).join(invoices, _ITS_INVOICE).where(tail)


_OF_SALES: Final = (STARS, REVENUE, UNSETTLED, REFUNDS)
_BOOKED_BY: Final = sa.and_(journal.c.bot_id == events.c.bot_id, journal.c.event_id == events.c.event_id)


def _moved(tail: sa.ColumnElement[bool] | None) -> Rows:
    nanostars = -(journal.c.amount_stars * sa.literal_column(str(NANOSTARS), sa.BigInteger) + journal.c.nanostars)
    rows = _row(journal.c.bot_id, journal.c.at, _NO_STAGE, nanostars, detail=journal.c.account)
    return _booked(rows.where(journal.c.account.not_in([sa.literal(name, sa.Text) for name in _OF_SALES])), tail)


def _balance(tail: sa.ColumnElement[bool] | None) -> Rows:
    rows = _row(journal.c.bot_id, _ALWAYS, _NO_STAGE, journal.c.amount_stars)
    return _booked(rows.where(journal.c.account == STARS), tail)


def _balance_rest(tail: sa.ColumnElement[bool] | None) -> Rows:
    rows = _row(journal.c.bot_id, _ALWAYS, _NO_STAGE, journal.c.nanostars)
    return _booked(rows.where(journal.c.account == STARS, journal.c.nanostars != sa.literal_column("0")), tail)


def _booked(rows: Rows, tail: sa.ColumnElement[bool] | None) -> Rows:
    if tail is None:
        return rows.select_from(journal)
    return rows.select_from(events).join(journal, _BOOKED_BY).where(tail)


_REASON_MAX: Final = 200
"""What an index takes of a reason that somebody's gate has made up."""
_DIGITS: Final = 10


def two_digits(wait_us: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """A time in milliseconds, rounded down to its first two digits, so that few values stand for all; 0 when it is below 0."""
    steps = []
    for power in range(_DIGITS):
        step = 10**power
        below = 100_000 * step
        number, unit = sa.literal_column(str(step * 1000), sa.BigInteger), sa.literal_column(str(step), sa.BigInteger)
        # Of SQL's division of whole numbers only that of what is not below zero is the same everywhere.
        steps.append((wait_us < sa.literal_column(str(below), sa.BigInteger), wait_us // number * unit))
    zero = sa.literal_column("0", sa.BigInteger)
    last = sa.literal_column(str(10 ** (_DIGITS + 1)), sa.BigInteger)
    return sa.type_coerce(sa.case((wait_us < zero, zero), *steps, else_=last), sa.BigInteger)


_MEASURES: Final[Mapping[Measure, Callable[[sa.ColumnElement[bool] | None], Rows]]] = MappingProxyType(
    {
        Measure.PAID: _paid,
        Measure.RETURNED: _returned,
        Measure.PAID_IN: _paid_in,
        Measure.RETURNED_IN: _returned_in,
        Measure.PAID_FROM: _paid_from,
        Measure.RETURNED_FROM: _returned_from,
        Measure.REFUNDED: _refunded,
        Measure.INVOICED: _told(InvoiceCreated.name),
        Measure.SETTLED: _settled,
        Measure.APPROVED: _told(CheckoutApproved.name),
        Measure.DECLINED: _told(CheckoutDeclined.name, sa.func.substr(events.c.reason, 1, _REASON_MAX)),
        Measure.DELIVERED: _delivered,
        Measure.WAITED: _waited,
        Measure.SHARED: _shared,
        Measure.MOVED: _moved,
        Measure.BALANCE: _balance,
        Measure.BALANCE_REST: _balance_rest,
    }
)
