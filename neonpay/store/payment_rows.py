"""Between rows and facts: how payments are written, and how the ledger's tables are read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.charge_ids import read_id, write_id
from neonpay.core.payments import (
    Attention,
    Charge,
    Invoice,
    InvoiceState,
    Payment,
    PaymentState,
    Refund,
    RefundState,
    Source,
)
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import invoices, payments, refunds
from neonpay.store.names import fit_name
from neonpay.store.stage_versions import Catalogue

INSERT_PAYMENT = Insert(
    payments,
    "bot_id",
    "charge_id",
    "event_id",
    "user_id",
    "amount_stars",
    "currency",
    "state",
    "attention",
    "invoice_id",
    "stage_id",
    "stage_version",
    "number",
    "payload",
    "paid_at",
    "recorded_at",
    "source",
    "provider_charge_id",
    "is_recurring",
    "is_first_recurring",
    "subscription_expires_at",
    "full_charge_id",
    "language_code",
)


def find_invoice(
    transaction: Transaction, catalogue: Catalogue, bot_id: int, *where: sa.ColumnElement[bool]
) -> Invoice | None:
    """The invoice that meets the conditions, or None."""
    query = sa.select(invoices).where(invoices.c.bot_id == bot_id, *where)
    row = transaction.connection.execute(query).mappings().first()
    return None if row is None else invoice_of(transaction, catalogue, row)


def invoice_of(transaction: Transaction, catalogue: Catalogue, row: sa.RowMapping | Mapping[str, Any]) -> Invoice:
    """The invoice of a row of its table."""
    return Invoice(
        bot_id=row["bot_id"],
        invoice_id=row["invoice_id"],
        stage_id=row["stage_id"],
        stage_version=row["stage_version"],
        stage=catalogue.stage(transaction, row["stage_id"], row["stage_version"]),
        user_id=row["user_id"],
        price_stars=row["price_stars"],
        payload=row["payload"],
        metadata=jsontext.load_object(row["metadata"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        link=row["link"],
        payments_count=row["payments_count"],
        is_off_sale=bool(row.get("is_off_sale")),
        is_over=row["state"] == InvoiceState.EXPIRED,
        is_queued=row["state"] == InvoiceState.QUEUED,
        seats_taken=row["seats_taken"],
        terms=jsontext.load_object(row["terms"] or "{}"),
        message_thread_id=row["message_thread_id"],
        own_title=row["title"],
    )


def select_payments(bot_id: int) -> sa.Select[tuple[object, ...]]:
    """Payments of a bot with the metadata and the titles of their invoices."""
    join = sa.outerjoin(
        payments,
        invoices,
        sa.and_(invoices.c.bot_id == payments.c.bot_id, invoices.c.invoice_id == payments.c.invoice_id),
    )
    of_invoice = (invoices.c.metadata.label("metadata"), invoices.c.title.label("own_title"))
    return sa.select(payments, *of_invoice).select_from(join).where(payments.c.bot_id == bot_id)


def find_payment(transaction: Transaction, catalogue: Catalogue, bot_id: int, charge_id: str) -> Payment | None:
    """The payment with this charge id, or None."""
    query = select_payments(bot_id).where(payments.c.charge_id == charge_id)
    row = transaction.connection.execute(query).mappings().first()
    return None if row is None else payment_of(transaction, catalogue, row)


def lock_payment(
    transaction: Transaction, catalogue: Catalogue, bot_id: int, charge_id: str
) -> tuple[Payment, str] | None:
    """The payment with this charge id and the id of its event, or None; nobody else changes it until the unit ends."""
    query = select_payments(bot_id).where(payments.c.charge_id == charge_id).with_for_update(of=payments)
    row = transaction.connection.execute(query).mappings().first()
    return None if row is None else (payment_of(transaction, catalogue, row), row["event_id"])


def payment_of(transaction: Transaction, catalogue: Catalogue, row: sa.RowMapping) -> Payment:
    """The payment of a row of ``select_payments``."""
    version = row["stage_version"]
    return Payment(
        bot_id=row["bot_id"],
        charge_id=row["charge_id"],
        user_id=row["user_id"],
        amount_stars=row["amount_stars"],
        currency=row["currency"],
        state=PaymentState(row["state"]),
        attention=None if row["attention"] is None else Attention(row["attention"]),
        invoice_id=row["invoice_id"],
        stage_id=row["stage_id"],
        stage_version=version,
        stage=None if version is None else catalogue.stage(transaction, row["stage_id"], version),
        number=row["number"],
        metadata={} if row["metadata"] is None else jsontext.load_object(row["metadata"]),
        payload=row["payload"],
        paid_at=row["paid_at"],
        recorded_at=row["recorded_at"],
        source=Source(row["source"]),
        provider_charge_id=row["provider_charge_id"],
        is_recurring=bool(row["is_recurring"]),
        is_first_recurring=bool(row["is_first_recurring"]),
        subscription_expires_at=row["subscription_expires_at"],
        full_charge_id=read_id(row["full_charge_id"]),
        own_title=row["own_title"],
    )


def find_refund(transaction: Transaction, bot_id: int, charge_id: str) -> Refund | None:
    """The refund of a charge, or None."""
    query = sa.select(refunds).where(refunds.c.bot_id == bot_id, refunds.c.charge_id == charge_id)
    row = transaction.connection.execute(query).mappings().first()
    return None if row is None else refund_of(row)


def refund_of(row: sa.RowMapping) -> Refund:
    """The refund of a row of its table."""
    return Refund(**{**row, "state": RefundState(row["state"]), "source": Source(row["source"])})


def payment_row(payment: Payment, event_id: str, charge: Charge, now_us: int) -> tuple[object, ...]:
    """A payment as a row of its table, in the order of ``INSERT_PAYMENT``."""
    return (
        payment.bot_id,
        payment.charge_id,
        event_id,
        payment.user_id,
        payment.amount_stars,
        payment.currency,
        payment.state.value,
        None if payment.attention is None else payment.attention.value,
        payment.invoice_id,
        payment.stage_id,
        payment.stage_version,
        payment.number,
        payment.payload,
        charge.paid_at_us,
        now_us,
        payment.source.value,
        payment.provider_charge_id,
        int(payment.is_recurring),
        int(payment.is_first_recurring),
        charge.subscription_expires_at_us,
        write_id(charge.full_charge_id),
        None if charge.sender is None else fit_name(charge.sender.language_code),
    )


def set_state(
    transaction: Transaction, payment: Payment, state: PaymentState, attention: Attention | None = None
) -> Payment:
    """Write what has become of a payment that was recorded; the payment as it is then.

    Whoever does has its row locked, and publishes why.

    Args:
        attention: what a person has to look at, when that is the state. A payment that leaves it otherwise than by being
            accepted keeps what it was.
    """
    values: dict[str, object] = {"state": state.value}
    if state is PaymentState.NEEDS_ATTENTION:
        assert attention is not None, "somebody is to look at something"
        values["attention"] = attention.value
    elif state is PaymentState.ACCEPTED:
        values["attention"] = None
    where = (payments.c.bot_id == payment.bot_id, payments.c.charge_id == payment.charge_id)
    transaction.connection.execute(sa.update(payments).where(*where).values(values))
    now_attends = attention if state is PaymentState.NEEDS_ATTENTION else payment.attention
    return replace(payment, state=state, attention=None if state is PaymentState.ACCEPTED else now_attends)
