"""What the ledger knows of checkouts: it approves them, many in one transaction, and takes back what nobody needs any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core.checkout import Decline, fault_of
from neonpay.core.clock import Clock, moment
from neonpay.core.events import CheckoutApproved, CheckoutDeclined, Event
from neonpay.core.payload import InvoiceRef
from neonpay.core.payments import Invoice, PreCheckout, moment_or_none
from neonpay.core.stages import StageRegistry
from neonpay.ledger import Among, Statement, Transaction
from neonpay.ledger.tables import invoices
from neonpay.payments.book import INSERT_EVENT, event_row, write_event
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.gates import Gate, Refusal, Sale, first_refusal
from neonpay.payments.rows import invoice_of

_HOLD_US = 60_000_000
"""How long a buyer who was let through keeps others from paying an invoice that may be paid once more only."""

_COLUMNS = [column.name for column in invoices.c]
_INVOICES = Among(
    lambda ids: sa.select(invoices).where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids)),
    "b",
)
_HOLD = Statement(
    sa.update(invoices)
    .where(
        invoices.c.bot_id == sa.bindparam("b"),
        invoices.c.invoice_id == sa.bindparam("i"),
        invoices.c.payments_count < sa.bindparam("most", type_=sa.BigInteger),
        sa.or_(
            invoices.c.held_by.is_(None),
            invoices.c.held_by == sa.bindparam("u"),
            invoices.c.held_until < sa.bindparam("now", type_=sa.BigInteger),
            invoices.c.payments_count + 1 < sa.bindparam("most", type_=sa.BigInteger),
        ),
    )
    .values(held_by=sa.bindparam("u"), held_until=sa.bindparam("until", type_=sa.BigInteger)),
    "b",
    "i",
    "most",
    "u",
    "now",
    "until",
)
_RELEASE = Statement(
    sa.update(invoices)
    .where(
        invoices.c.bot_id == sa.bindparam("b"),
        invoices.c.invoice_id == sa.bindparam("i"),
        invoices.c.held_by == sa.bindparam("u"),
        invoices.c.held_until == sa.bindparam("until", type_=sa.BigInteger),
    )
    .values(held_by=None, held_until=None),
    "b",
    "i",
    "u",
    "until",
)


@dataclass(slots=True)
class Checkout:
    """One query on its way to an answer.

    Attributes:
        sale_id: id of the approval, should there be one.
        is_over: the answer is given without the approval, which may still stand in the ledger's queue and must not happen.
        asking: the ledger writing the approval; it goes on when the answer cannot wait for it.
        approval: what the ledger has written, until what it holds back for the buyer is given free again.
    """

    query: PreCheckout
    sale_id: str
    ref: InvoiceRef | None = None
    is_over: bool = False
    asking: asyncio.Future[Event | Refusal] | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approval holds back for its buyer.

    Attributes:
        held_until_us: when the hold on the invoice ends, if there is one.
    """

    invoice_id: str
    held_until_us: int | None


class InvoiceHeld(Exception):  # noqa: N818  # undoes what the gates have counted, and is no fault
    """The invoice can be paid once more only, and somebody is about to."""


class CheckoutBook:
    """Units of work about the checkouts of one bot."""

    def __init__(self, bot_id: int, *, stages: StageRegistry, catalogue: Catalogue, clock: Clock) -> None:
        self._bot_id = bot_id
        self._stages = stages
        self._catalogue = catalogue
        self._clock = clock
        self.gates: list[Gate] = []

    def invoice(self, transaction: Transaction, ref: InvoiceRef) -> Invoice | None:
        """The invoice that a verified payload names, or None."""
        return self._invoices(transaction, [ref.invoice_id]).get(ref.invoice_id)

    def fault(self, query: PreCheckout, ref: InvoiceRef, invoice: Invoice | None) -> Decline | None:
        """Why the rules that hold for every shop decline, or None."""
        return fault_of(
            query,
            quoted_stars=ref.price_stars,
            invoice=invoice,
            on_sale=self._stages.find(ref.stage_id),
            now=moment(self._clock.now_us()),
        )

    def approve(self, transaction: Transaction, checkouts: Sequence[Checkout]) -> list[Event | Refusal]:
        """The approvals are written, with what they hold back for their buyers, or refused.

        Raises:
            InvoiceHeld: nothing is written for any of them.
        """
        now_us = self._clock.now_us()
        known = self._invoices(transaction, [_ref(checkout).invoice_id for checkout in checkouts])
        refusals: dict[int, Refusal] = {}
        passed: list[tuple[int, Checkout, Invoice]] = []
        # By buyer and then by invoice, so that transactions that lock the same rows lock them in the same order.
        for index in sorted(range(len(checkouts)), key=lambda index: checkouts[index].query.user_id):
            checkout = checkouts[index]
            checkout.approval = None
            invoice = known.get(_ref(checkout).invoice_id)
            refusal = self._refusal(transaction, checkout, invoice)
            if refusal is not None:
                refusals[index] = refusal
            else:
                assert invoice is not None, "an unknown invoice is refused"
                passed.append((index, checkout, invoice))
        for _, checkout, invoice in sorted(passed, key=lambda taken: taken[2].invoice_id):
            checkout.approval = self._hold(transaction, invoice, checkout.query.user_id, now_us)
        events = {index: self._approved(checkout, invoice, now_us) for index, checkout, invoice in passed}
        transaction.insert(INSERT_EVENT, *[_row(event, now_us) for event in events.values()])
        return [refusals[index] if index in refusals else events[index] for index in range(len(checkouts))]

    def _refusal(self, transaction: Transaction, checkout: Checkout, invoice: Invoice | None) -> Refusal | None:
        query = checkout.query
        if checkout.is_over:
            return Refusal(reason=Decline.TOO_SLOW)
        fault = self.fault(query, _ref(checkout), invoice)
        if fault is not None:
            return Refusal(reason=fault)
        if not self.gates:
            return None
        assert invoice is not None, "an unknown invoice is a fault"
        sale = Sale(
            bot_id=self._bot_id,
            sale_id=checkout.sale_id,
            user_id=query.user_id,
            stage_id=invoice.stage_id,
            price_stars=invoice.price_stars,
            invoice=invoice,
            query=query,
        )
        return first_refusal(self.gates, transaction, sale)

    def _hold(self, transaction: Transaction, invoice: Invoice, user_id: int, now_us: int) -> Approval:
        most = invoice.stage.max_payments
        if most is None:
            return Approval(invoice.invoice_id, None)
        until_us = now_us + _HOLD_US
        if not transaction.execute(_HOLD, self._bot_id, invoice.invoice_id, most, user_id, now_us, until_us):
            raise InvoiceHeld
        return Approval(invoice.invoice_id, until_us)

    def _approved(self, checkout: Checkout, invoice: Invoice, now_us: int) -> Event:
        return CheckoutApproved(
            bot_id=self._bot_id,
            event_id=checkout.sale_id,
            at=moment(now_us),
            user_id=checkout.query.user_id,
            stage_id=invoice.stage_id,
            invoice_id=invoice.invoice_id,
            amount_stars=checkout.query.amount,
        )

    def note_declined(self, transaction: Transaction, checkout: Checkout, decline: Decline, event_id: str) -> Event:
        """The no is written, and an approval that came after it is taken back."""
        query, ref = checkout.query, checkout.ref
        self.give_free(transaction, checkout)
        return write_event(
            transaction,
            CheckoutDeclined,
            bot_id=self._bot_id,
            event_id=event_id,
            at_us=self._clock.now_us(),
            user_id=query.user_id,
            stage_id=ref.stage_id if ref else None,
            invoice_id=ref.invoice_id if ref else None,
            amount_stars=query.amount,
            reason=decline.value,
        )

    def give_free(self, transaction: Transaction, checkout: Checkout) -> None:
        """What an approval holds back for its buyer is anybody's again."""
        approval, user_id = checkout.approval, checkout.query.user_id
        if approval is None:
            return
        if approval.held_until_us is not None:
            transaction.execute(_RELEASE, self._bot_id, approval.invoice_id, user_id, approval.held_until_us)
        for gate in self.gates:
            gate.withdrawn(transaction, user_id, checkout.sale_id)

    def _invoices(self, transaction: Transaction, ids: Sequence[str]) -> dict[str, Invoice]:
        found: dict[str, Invoice] = {}
        for values in transaction.rows_among(_INVOICES, (self._bot_id,), ids):
            row = dict(zip(_COLUMNS, values, strict=True))
            row["created_at"], row["expires_at"] = moment(row["created_at"]), moment_or_none(row["expires_at"])
            found[row["invoice_id"]] = invoice_of(transaction, self._catalogue, row)
        return found


def _ref(checkout: Checkout) -> InvoiceRef:
    assert checkout.ref is not None, "only a payload that verifies is taken to the ledger"
    return checkout.ref


def _row(event: Event, now_us: int) -> tuple[object, ...]:
    return event_row(
        event.bot_id,
        event.event_id,
        event.name,
        now_us,
        event.user_id,
        event.stage_id,
        event.invoice_id,
        None,
        event.amount_stars,
        None,
    )
