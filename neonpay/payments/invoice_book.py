"""Units of work about invoices: each is written once, and one worker at a time is about to send it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event, InvoiceCreated, InvoiceFailed, OfferRefused
from neonpay.core.jsontext import JsonObject
from neonpay.core.payload import PayloadCodec
from neonpay.core.payments import Invoice, InvoiceState
from neonpay.core.stages import PaymentStage, frozen_json
from neonpay.errors import PaymentError
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.tables import DatabaseNow, invoices
from neonpay.payments.gates import Gate, Refusal, Sale, first_refusal
from neonpay.store.entries import publish
from neonpay.store.payment_rows import find_invoice
from neonpay.store.stage_versions import Catalogue

LEASE_S = 90.0
"""How long an invoice is the business of the worker that is about to send it; then anybody may who is asked to."""

_LEASE_US = int(LEASE_S * 1_000_000)
_INSERT = Insert(
    invoices,
    "bot_id",
    "invoice_id",
    "stage_id",
    "stage_version",
    "user_id",
    "price_stars",
    "payload",
    "metadata",
    "idempotency_key",
    "state",
    "created_at",
    "expires_at",
    "payments_count",
    "sending_by",
    "sending_until",
    computed={"sending_until": lambda lease_us: DatabaseNow() + lease_us},
)
_IS_BEING_SENT = Statement(
    sa.select(invoices.c.invoice_id).where(
        invoices.c.bot_id == sa.bindparam("b"),
        invoices.c.invoice_id == sa.bindparam("i"),
        invoices.c.sending_until >= DatabaseNow(),
    ),
    "b",
    "i",
)
_TAKE = Statement(
    sa.update(invoices)
    .where(
        invoices.c.bot_id == sa.bindparam("b"),
        invoices.c.invoice_id == sa.bindparam("i"),
        invoices.c.message_id.is_(None),
        sa.or_(
            invoices.c.sending_until.is_(None),
            invoices.c.sending_until < DatabaseNow(),
            invoices.c.sending_by == sa.bindparam("mine", type_=sa.BigInteger),
        ),
    )
    .values(
        state=InvoiceState.QUEUED.value,
        sending_by=sa.bindparam("by", type_=sa.BigInteger),
        sending_until=DatabaseNow() + sa.bindparam("lease_us", type_=sa.BigInteger),
    ),
    "b",
    "i",
    "mine",
    "by",
    "lease_us",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What somebody is to be offered.

    Attributes:
        asker_id: who wants to buy, where that is known.
        payer_id: the only user who may pay, or None when anyone may.
    """

    stage_id: str
    stage: PaymentStage
    asker_id: int | None
    payer_id: int | None
    metadata: JsonObject
    idempotency_key: str | None


class Outcome(NamedTuple):
    """What a draft has come to.

    Attributes:
        invoice: the invoice of the draft, or an earlier one under its key; a refusal when there is none.
        event: what is to be told.
        is_mine: whether whoever wrote the draft is the one to send the invoice.
    """

    invoice: Invoice | Refusal
    event: Event | None = None
    is_mine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An invoice about to be written.

    Attributes:
        sender: token of the lease under which it will be sent; None for a link, which is not sent.
        crowded: why it could not be sent soon, if so.
    """

    offer: Offer
    invoice_id: str
    event_id: str
    codec: PayloadCodec
    now_us: int
    sender: int | None = None
    crowded: Refusal | None = None


class InvoiceBook:
    """The invoices of one bot."""

    def __init__(self, bot_id: int, *, catalogue: Catalogue, clock: Clock) -> None:
        self._bot_id = bot_id
        self._catalogue = catalogue
        self._clock = clock
        self.gates: list[Gate] = []

    def write(self, transaction: Transaction, draft: Draft) -> Outcome:
        """The invoice is written, found under its key, or refused.

        Raises:
            PaymentError: the key was used for another offer.
        """
        offer = draft.offer
        key = offer.idempotency_key
        if key is not None and (known := self._find(transaction, invoices.c.idempotency_key == key)) is not None:
            return self._again(transaction, draft, known)
        refusal = draft.crowded or self._refusal(transaction, draft)
        if refusal is not None:
            return self._refused(transaction, draft, refusal)
        version = self._catalogue.version_of(transaction, offer.stage_id, offer.stage, draft.now_us)
        transaction.insert(_INSERT, self._row(draft, version))
        invoice = self._find(transaction, invoices.c.invoice_id == draft.invoice_id)
        if invoice is None:
            assert key is not None, "an invoice id is used once, so it is the key that is there"
            known = self._find(transaction, invoices.c.idempotency_key == key)
            assert known is not None, "the key is there"
            return self._again(transaction, draft, known)
        event = InvoiceCreated(
            bot_id=self._bot_id,
            event_id=draft.event_id,
            at=moment(draft.now_us),
            user_id=offer.payer_id,
            stage_id=offer.stage_id,
            invoice_id=draft.invoice_id,
            amount_stars=offer.stage.price,
        )
        publish(transaction, event)
        return Outcome(invoice, event, is_mine=True)

    def mark_sent(self, transaction: Transaction, invoice: Invoice, where: Mapping[str, int | str]) -> Invoice:
        """The invoice is where it was to go."""
        this = (invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == invoice.invoice_id)
        values = {"state": InvoiceState.SENT, "sending_by": None, "sending_until": None, **where}
        transaction.connection.execute(sa.update(invoices).where(*this).values(values))
        sent = self._find(transaction, this[1])
        assert sent is not None, "invoices are never deleted"
        return sent

    def mark_failed(
        self, transaction: Transaction, invoice: Invoice, reason: str, event_id: str, sender: int | None
    ) -> Event | None:
        """The invoice was not sent, and can be asked for again; None when another worker sends it meanwhile."""
        if not self.put_back(transaction, invoice, sender, state=InvoiceState.FAILED):
            return None
        event = InvoiceFailed(
            bot_id=self._bot_id,
            event_id=event_id,
            at=moment(self._clock.now_us()),
            user_id=invoice.user_id,
            stage_id=invoice.stage_id,
            invoice_id=invoice.invoice_id,
            amount_stars=invoice.price_stars,
            reason=reason,
        )
        publish(transaction, event)
        return event

    def put_back(
        self,
        transaction: Transaction,
        invoice: Invoice,
        sender: int | None,
        *,
        state: InvoiceState = InvoiceState.CREATED,
    ) -> bool:
        """Nobody is about to send the invoice any more; False when that had become another worker's business."""
        where = [invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == invoice.invoice_id]
        if sender is not None:
            where.append(invoices.c.sending_by == sender)
        values = {"state": state, "sending_by": None, "sending_until": None}
        return bool(transaction.connection.execute(sa.update(invoices).where(*where).values(values)).rowcount)

    def _row(self, draft: Draft, version: int) -> tuple[object, ...]:
        offer, stage = draft.offer, draft.offer.stage
        ttl_s = stage.invoice_ttl_s
        return (
            self._bot_id,
            draft.invoice_id,
            offer.stage_id,
            version,
            offer.payer_id,
            stage.price,
            draft.codec.encode(draft.invoice_id, stage_id=offer.stage_id, price_stars=stage.price),
            jsontext.dump(dict(frozen_json("payload", {**stage.payload, **offer.metadata}))),
            offer.idempotency_key,
            (InvoiceState.CREATED if draft.sender is None else InvoiceState.QUEUED).value,
            draft.now_us,
            None if ttl_s is None else draft.now_us + ttl_s * 1_000_000,
            0,
            draft.sender,
            None if draft.sender is None else _LEASE_US,
        )

    def _again(self, transaction: Transaction, draft: Draft, known: Invoice) -> Outcome:
        """What a repeated key comes to: the invoice under it, with the lease on sending it if nobody else has that."""
        offer = draft.offer
        if known.stage_id != offer.stage_id or known.user_id != offer.payer_id:
            msg = "this idempotency key was used for another invoice; use one key per thing that is offered"
            raise PaymentError(msg)
        if draft.sender is None or known.message_id is not None:
            return Outcome(known, is_mine=draft.sender is None)
        this = (self._bot_id, known.invoice_id)
        if draft.crowded is not None:
            if transaction.row(_IS_BEING_SENT, *this):
                return Outcome(known)
            return self._refused(transaction, draft, draft.crowded)
        return Outcome(known, is_mine=bool(transaction.execute(_TAKE, *this, draft.sender, draft.sender, _LEASE_US)))

    def _refusal(self, transaction: Transaction, draft: Draft) -> Refusal | None:
        offer = draft.offer
        sale = Sale(
            bot_id=self._bot_id,
            sale_id=draft.event_id,
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            price_stars=offer.stage.price,
        )
        return first_refusal(self.gates, transaction, sale)

    def _refused(self, transaction: Transaction, draft: Draft, refusal: Refusal) -> Outcome:
        offer = draft.offer
        event = OfferRefused(
            bot_id=self._bot_id,
            event_id=draft.event_id,
            at=moment(draft.now_us),
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            amount_stars=offer.stage.price,
            reason=str(refusal.reason),
        )
        publish(transaction, event)
        return Outcome(refusal, event)

    def _find(self, transaction: Transaction, where: sa.ColumnElement[bool]) -> Invoice | None:
        return find_invoice(transaction, self._catalogue, self._bot_id, where)
