"""Offers: the row is written first, then Telegram is asked to show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.checkout import buyer_message
from neonpay.core.clock import Clock
from neonpay.core.events import Event, InvoiceCreated, InvoiceFailed, OfferRefused
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import PayloadCodec
from neonpay.core.payments import Invoice
from neonpay.core.ports import Adapter
from neonpay.core.stages import PaymentStage, frozen_json
from neonpay.errors import PaymentError, SaleRefused, TelegramError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.tables import invoices
from neonpay.payments.book import write_event
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.gates import Gate, Refusal, Sale, first_refusal
from neonpay.payments.rows import find_invoice

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


class InvoiceDesk:
    """Makes the invoices of one bot."""

    def __init__(
        self,
        ledger: Ledger,
        adapter: Adapter,
        *,
        codec: Callable[[], PayloadCodec],
        catalogue: Catalogue,
        clock: Clock,
        new_event_id: Callable[[], str],
        new_invoice_id: Callable[[], str],
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._adapter = adapter
        self._codec = codec
        self._catalogue = catalogue
        self._clock = clock
        self._new_event_id = new_event_id
        self._new_invoice_id = new_invoice_id
        self._announce = announce
        self._bot_id = adapter.bot_id
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._gates: list[Gate] = []

    def add_gate(self, gate: Gate) -> None:
        """Ask ``gate`` in the transaction that writes a new invoice."""
        self._gates.append(gate)

    async def send(self, offer: Offer, *, chat_id: int, options: JsonObject) -> Invoice:
        """Send an invoice message; see ``NeonPayCore.send_payment``."""
        async with self._turn(offer):
            invoice = await self._prepare(offer)
            return invoice if invoice.message_id is not None else await self._send(invoice, chat_id, options)

    async def link(self, offer: Offer, *, options: JsonObject) -> Invoice:
        """Make an invoice link; see ``NeonPayCore.create_payment_link``."""
        async with self._turn(offer):
            invoice = await self._prepare(offer)
            return invoice if invoice.link is not None else await self._link(invoice, options)

    @asynccontextmanager
    async def _turn(self, offer: Offer) -> AsyncIterator[None]:
        """Calls with the same idempotency key come one after another, so that the second sees what the first has sent."""
        key = offer.idempotency_key
        if key is None:
            yield
            return
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(key)
            if waiting > 1:
                self._turns[key] = (lock, waiting - 1)

    async def _send(self, invoice: Invoice, chat_id: int, options: JsonObject) -> Invoice:
        params: dict[str, JsonValue] = {**options, **_content(invoice), "chat_id": chat_id}
        if invoice.stage.start_parameter is not None:
            params["start_parameter"] = invoice.stage.start_parameter
        message = await self._ask(invoice, "sendInvoice", params)
        message_id = message.get("message_id") if isinstance(message, Mapping) else None
        if not isinstance(message_id, int):
            msg = "Telegram answered sendInvoice with something that is no message"
            raise PaymentError(msg)
        return await self._ledger.run(self._mark_sent, invoice, {"chat_id": chat_id, "message_id": message_id})

    async def _link(self, invoice: Invoice, options: JsonObject) -> Invoice:
        link = await self._ask(invoice, "createInvoiceLink", {**options, **_content(invoice)})
        if not isinstance(link, str):
            msg = "Telegram answered createInvoiceLink with something that is no link"
            raise PaymentError(msg)
        return await self._ledger.run(self._mark_sent, invoice, {"link": link})

    async def _prepare(self, offer: Offer) -> Invoice:
        invoice, event = await self._ledger.run(
            self._write, offer, self._new_invoice_id(), self._codec(), self._new_event_id(), self._clock.now_us()
        )
        if event is not None:
            self._announce(event)
        if isinstance(invoice, Refusal):
            raise SaleRefused(
                invoice.reason.value,
                user_id=offer.asker_id,
                stage_id=offer.stage_id,
                retry_after_s=invoice.retry_after_s,
                buyer_text=invoice.message or buyer_message(invoice.reason, None),
            )
        return invoice

    def _write(
        self, transaction: Transaction, offer: Offer, invoice_id: str, codec: PayloadCodec, event_id: str, now_us: int
    ) -> tuple[Invoice | Refusal, Event | None]:
        key = offer.idempotency_key
        if key is not None and (known := self._find(transaction, invoices.c.idempotency_key == key)) is not None:
            return _same_offer(known, offer), None
        refusal = self._refusal(transaction, offer, event_id)
        if refusal is not None:
            return refusal, self._note_refused(transaction, offer, refusal, event_id, now_us)
        stage = offer.stage
        version = self._catalogue.version_of(transaction, offer.stage_id, stage, now_us)
        metadata = frozen_json("payload", {**stage.payload, **offer.metadata})
        payload = codec.encode(invoice_id, stage_id=offer.stage_id, price_stars=stage.price)
        expires_at_us = None if stage.invoice_ttl_s is None else now_us + stage.invoice_ttl_s * 1_000_000
        row = (
            self._bot_id,
            invoice_id,
            offer.stage_id,
            version,
            offer.payer_id,
            stage.price,
            payload,
            jsontext.dump(dict(metadata)),
            key,
            "created",
            now_us,
            expires_at_us,
            0,
        )
        written = transaction.insert(_INSERT, row)
        where = invoices.c.invoice_id == invoice_id if written else invoices.c.idempotency_key == key
        invoice = self._find(transaction, where)
        assert invoice is not None, "the invoice was written a moment ago"
        if not written:
            return _same_offer(invoice, offer), None
        event = write_event(
            transaction,
            InvoiceCreated,
            bot_id=self._bot_id,
            event_id=event_id,
            at_us=now_us,
            user_id=offer.payer_id,
            stage_id=offer.stage_id,
            invoice_id=invoice_id,
            amount_stars=stage.price,
        )
        return invoice, event

    def _refusal(self, transaction: Transaction, offer: Offer, event_id: str) -> Refusal | None:
        sale = Sale(
            bot_id=self._bot_id,
            sale_id=event_id,
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            price_stars=offer.stage.price,
        )
        return first_refusal(self._gates, transaction, sale)

    def _note_refused(
        self, transaction: Transaction, offer: Offer, refusal: Refusal, event_id: str, now_us: int
    ) -> Event:
        return write_event(
            transaction,
            OfferRefused,
            bot_id=self._bot_id,
            event_id=event_id,
            at_us=now_us,
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            amount_stars=offer.stage.price,
            reason=refusal.reason.value,
        )

    async def _ask(self, invoice: Invoice, method: str, params: dict[str, JsonValue]) -> JsonValue:
        try:
            return await self._adapter.call(method, params)
        except TelegramError as exc:
            event = await self._ledger.run(self._mark_failed, invoice, exc.description, self._new_event_id())
            self._announce(event)
            raise

    def _mark_sent(self, transaction: Transaction, invoice: Invoice, where: dict[str, int | str]) -> Invoice:
        this = (invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == invoice.invoice_id)
        transaction.connection.execute(sa.update(invoices).where(*this).values(state="sent", **where))
        sent = self._find(transaction, this[1])
        assert sent is not None, "invoices are never deleted"
        return sent

    def _mark_failed(self, transaction: Transaction, invoice: Invoice, reason: str, event_id: str) -> Event:
        this = (invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == invoice.invoice_id)
        transaction.connection.execute(sa.update(invoices).where(*this).values(state="failed"))
        return write_event(
            transaction,
            InvoiceFailed,
            bot_id=self._bot_id,
            event_id=event_id,
            at_us=self._clock.now_us(),
            user_id=invoice.user_id,
            stage_id=invoice.stage_id,
            invoice_id=invoice.invoice_id,
            amount_stars=invoice.price_stars,
            reason=reason,
        )

    def _find(self, transaction: Transaction, where: sa.ColumnElement[bool]) -> Invoice | None:
        return find_invoice(transaction, self._catalogue, self._bot_id, where)


def _content(invoice: Invoice) -> dict[str, JsonValue]:
    stage = invoice.stage
    content: dict[str, JsonValue] = {
        "title": stage.title,
        "description": stage.description,
        "payload": invoice.payload,
        "currency": CURRENCY,
        "prices": [{"label": stage.label, "amount": invoice.price_stars}],
    }
    if stage.photo_url is not None:
        content["photo_url"] = stage.photo_url
    return content


def _same_offer(known: Invoice, offer: Offer) -> Invoice:
    if known.stage_id != offer.stage_id or known.user_id != offer.payer_id:
        msg = "this idempotency key was used for another invoice; use one key per thing that is offered"
        raise PaymentError(msg)
    return known
