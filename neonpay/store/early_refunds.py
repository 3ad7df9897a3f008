"""Refunds that are known before their payments: kept until the payment is recorded, which is then never delivered.

A refund of a payment that is recorded, seen from outside or made here, is written by ``payments.refunds.store``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.events import Event, PaymentRefunded
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import Payment, RefundNotice, RefundState, Source
from neonpay.ledger import Among, Insert, Transaction
from neonpay.ledger.tables import early_refunds, invoices, refunds
from neonpay.store.entries import INSERT_JOURNAL, STARS, UNSETTLED, about, entry_rows, publish

_TAKE = Among(
    lambda ids: (
        sa.delete(early_refunds)
        .where(early_refunds.c.bot_id == sa.bindparam("b"), early_refunds.c.charge_id.in_(ids))
        .returning(early_refunds.c.charge_id, early_refunds.c.source, early_refunds.c.seen_at)
    ),
    "b",
)
_KEEP = Insert(early_refunds, "bot_id", "charge_id", "user_id", "amount_stars", "source", "seen_at")
_INSERT_REFUND = Insert(
    refunds, "bot_id", "charge_id", "user_id", "amount_stars", "state", "source", "requested_at", "finished_at"
)


def lock_invoice(transaction: Transaction, bot_id: int, invoice_id: str) -> None:
    """Wait until no payment of this invoice is being recorded, and let none be until the unit ends."""
    where = (invoices.c.bot_id == bot_id, invoices.c.invoice_id == invoice_id)
    transaction.connection.execute(sa.select(invoices.c.invoice_id).where(*where).with_for_update())


def keep(transaction: Transaction, notice: RefundNotice, now_us: int) -> None:
    """Remember the refund of a charge that the ledger does not have yet."""
    row = (notice.bot_id, notice.charge_id, notice.user_id, notice.amount, notice.source.value, now_us)
    transaction.insert(_KEEP, row)


def forget(transaction: Transaction, bot_id: int, charge_id: str) -> None:
    """The payment has its refund."""
    transaction.rows_among(_TAKE, (bot_id,), [charge_id])


def forget_before(transaction: Transaction, bot_id: int, before_us: int) -> None:
    """Drop what was kept before a time; no payment of them can come any more."""
    where = (early_refunds.c.bot_id == bot_id, early_refunds.c.seen_at < moment(before_us))
    transaction.connection.execute(sa.delete(early_refunds).where(*where))


def settle(
    transaction: Transaction, gone: Sequence[Payment], now_us: int, *, new_event_id: Callable[[], str]
) -> dict[str, Sequence[Event]]:
    """Write that the Stars of payments that were just recorded had gone back before; the events, by charge id."""
    if not gone:
        return {}
    bot_id = gone[0].bot_id
    kept = {
        charge_id: (source, seen_us)
        for charge_id, source, seen_us in transaction.rows_among(_TAKE, (bot_id,), [p.charge_id for p in gone])
    }
    told: list[Event] = []
    entries: list[tuple[object, ...]] = []
    for payment in gone:
        event = about(PaymentRefunded, payment, event_id=new_event_id(), at_us=now_us)
        told.append(event)
        if payment.currency == CURRENCY:
            stars = payment.amount_stars
            entries += entry_rows(bot_id, event.event_id, now_us, {STARS: -stars, UNSETTLED: stars})
    unkept = (Source.UPDATE.value, now_us)  # it was dropped, as too old, a moment ago
    refunded = [_refund_row(payment, *kept.get(payment.charge_id, unkept)) for payment in gone]
    transaction.insert(_INSERT_REFUND, *refunded)
    publish(transaction, *told)
    transaction.insert(INSERT_JOURNAL, *entries)
    return {payment.charge_id: (event,) for payment, event in zip(gone, told, strict=True)}


def _refund_row(payment: Payment, source: str, seen_us: int) -> tuple[object, ...]:
    state = RefundState.REFUNDED.value
    key = (payment.bot_id, payment.charge_id)
    return (*key, payment.user_id, payment.amount_stars, state, source, seen_us, seen_us)
