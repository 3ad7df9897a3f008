"""Offers: the row is written first, then Telegram is asked to show it, at once or when the chat's turn has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from neonpay.core.checkout import Decline
from neonpay.core.clock import Clock, stopwatch_s
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.limits import CURRENCY
from neonpay.core.log_lines import INVOICE_OFFERED, INVOICE_QUEUED
from neonpay.core.payload import PayloadCodec
from neonpay.core.payments import Invoice
from neonpay.errors import LedgerError, PaymentError, SaleRefused, TelegramError, TelegramUnreachableError
from neonpay.ledger import Ledger
from neonpay.payments.gates import Refusal
from neonpay.payments.invoices.store import LEASE_S, Draft, InvoiceStore, Offer, Outcome
from neonpay.store.once import Once
from neonpay.telegram.outbox import Outbox, Place
from neonpay.telegram.paced import PacedAdapter

logger = logging.getLogger("neonpay.payments")

_SENDING_S = LEASE_S - 15.0
"""Longest time from the writing of an invoice to its message: it ends before another worker may send it, too."""
_LOOK_S = 5.0
"""How often an invoice that another program was to send is looked after, for as long as its lease can last."""
_LOST = "no answer from Telegram; it may have been sent"
_STOPPED = "the program stopped before its turn came"
_TOO_LATE = "its turn did not come in time"


class InvoiceService:
    """Makes the invoices of one bot."""

    def __init__(
        self,
        ledger: Ledger,
        adapter: PacedAdapter,
        outbox: Outbox,
        book: InvoiceStore,
        *,
        codec: Callable[[], PayloadCodec],
        clock: Clock,
        new_event_id: Callable[[], str],
        new_invoice_id: Callable[[], str],
        new_token: Callable[[], int],
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._adapter = adapter
        self._outbox = outbox
        self._book = book
        self._codec = codec
        self._clock = clock
        self._new_event_id = new_event_id
        self._new_invoice_id = new_invoice_id
        self._new_token = new_token
        self._announce = announce
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._sending: set[str] = set()
        """Invoices that this program is to send."""
        self._looking: set[asyncio.Task[None]] = set()

    async def send(self, offer: Offer, *, asker_id: int, chat_id: int, options: JsonObject) -> Invoice:
        """Send an invoice message; see ``NeonPayCore.send_payment``."""
        invoice = await self._offer(offer, asker_id=asker_id, chat_id=chat_id, options=options)
        if invoice.is_queued and invoice.invoice_id not in self._sending:
            # Another program is to send it. Should that have died, it comes from here when its lease is over.
            looking = self._look_after(invoice, offer, asker_id=asker_id, chat_id=chat_id, options=options)
            task = asyncio.get_running_loop().create_task(looking)
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
        return invoice

    async def close(self) -> None:
        """Look after nothing more."""
        looking = list(self._looking)
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)

    async def _look_after(
        self, invoice: Invoice, offer: Offer, *, asker_id: int, chat_id: int, options: JsonObject
    ) -> None:
        for _ in range(int(LEASE_S / _LOOK_S) + 1):
            await asyncio.sleep(_LOOK_S)
            try:
                looked_at = await self._offer(offer, asker_id=asker_id, chat_id=chat_id, options=options)
            except (PaymentError, LedgerError) as exc:
                logger.warning("invoice %s is not sent yet: %s", invoice.invoice_id, exc)
                continue
            if not looked_at.is_queued or looked_at.invoice_id in self._sending:
                return

    async def _offer(self, offer: Offer, *, asker_id: int, chat_id: int, options: JsonObject) -> Invoice:
        began_s = stopwatch_s()
        async with self._turn(offer):
            with self._outbox.place(chat_id, asker_id) as place:
                sender = self._new_token()
                written = await self._prepare(offer, sender=sender, crowded=_crowded(place))
                invoice = _invoice(written)
                if not written.is_mine:
                    return invoice
                self._sending.add(invoice.invoice_id)
                content = {**options, **_content(invoice, offer.words)}
                sending = place.use(partial(self._send, place, sender, invoice, chat_id, content, began_s))
            sent = await sending.outcome()
            if sent is not None:
                return sent
            INVOICE_QUEUED.tell(invoice)
            return replace(invoice, is_queued=True)

    async def link(self, offer: Offer, *, options: JsonObject) -> Invoice:
        """Make an invoice link; see ``NeonPayCore.create_payment_link``."""
        began_s = stopwatch_s()
        async with self._turn(offer):
            invoice = _invoice(await self._prepare(offer))
            if invoice.link is not None:
                return invoice
            return await self._link(invoice, {**options, **_content(invoice, offer.words)}, began_s)

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

    async def _prepare(self, offer: Offer, *, sender: int | None = None, crowded: Refusal | None = None) -> Outcome:
        draft = Draft(
            offer=offer,
            invoice_id=self._new_invoice_id(),
            event_id=self._new_event_id(),
            codec=self._codec(),
            now_us=self._clock.now_us(),
            sender=sender,
            crowded=crowded,
        )
        written = await self._ledger.run(Once(self._adapter.bot_id, self._book.write), draft)
        if written.event is not None:
            self._announce(written.event)
        for fact in written.published:
            self._announce(fact)
        if isinstance(written.invoice, Refusal):
            refusal = written.invoice
            raise SaleRefused(
                refusal.reason,
                user_id=offer.asker_id,
                stage_id=offer.stage_id,
                retry_after_s=refusal.retry_after_s,
                say=refusal.said,
            )
        return written

    async def _send(
        self, place: Place, sender: int, invoice: Invoice, chat_id: int, content: JsonObject, began_s: float
    ) -> Invoice:
        try:
            sent = await self._send_once(place, sender, invoice, chat_id, content)
        finally:
            self._sending.discard(invoice.invoice_id)
        INVOICE_OFFERED.tell(sent, began_s=began_s)
        return sent

    async def _send_once(
        self, place: Place, sender: int, invoice: Invoice, chat_id: int, content: JsonObject
    ) -> Invoice:
        params: dict[str, JsonValue] = {**content, "chat_id": chat_id}
        if invoice.stage.start_parameter is not None:
            params["start_parameter"] = invoice.stage.start_parameter
        try:
            async with asyncio.timeout(_SENDING_S):
                message = await place.call("sendInvoice", params)
        except TelegramError as exc:
            await self._failed(invoice, exc.description, sender)
            raise
        except TelegramUnreachableError:
            await self._lost(place, invoice, sender)
            raise
        except (TimeoutError, asyncio.CancelledError) as exc:
            if place.is_asking:
                await self._lost(place, invoice, sender)
            else:
                await self._failed(invoice, _TOO_LATE if isinstance(exc, TimeoutError) else _STOPPED, sender)
            if isinstance(exc, TimeoutError):
                raise TelegramUnreachableError("sendInvoice") from exc
            raise
        message_id = message.get("message_id") if isinstance(message, Mapping) else None
        if not isinstance(message_id, int):
            msg = "Telegram answered sendInvoice with something that is no message"
            raise PaymentError(msg)
        return await self._ledger.run(self._book.mark_sent, invoice, {"chat_id": chat_id, "message_id": message_id})

    async def _link(self, invoice: Invoice, content: JsonObject, began_s: float) -> Invoice:
        try:
            link = await self._adapter.call("createInvoiceLink", content, patience_s=0)
        except TelegramError as exc:
            await self._failed(invoice, exc.description, None)
            raise
        if not isinstance(link, str):
            msg = "Telegram answered createInvoiceLink with something that is no link"
            raise PaymentError(msg)
        made = await self._ledger.run(self._book.mark_sent, invoice, {"link": link})
        INVOICE_OFFERED.tell(made, began_s=began_s)
        return made

    async def _lost(self, place: Place, invoice: Invoice, sender: int) -> None:
        """Nobody knows whether the invoice was sent; whoever still waits for it is told by the error itself."""
        if place.is_left:
            await self._failed(invoice, _LOST, sender)
        else:
            await self._ledger.run(self._book.put_back, invoice, sender)

    async def _failed(self, invoice: Invoice, reason: str, sender: int | None) -> None:
        event_id = self._new_event_id()
        unit = Once(self._adapter.bot_id, self._book.mark_failed)
        for fact in await self._ledger.run(unit, invoice, reason, event_id, sender):
            self._announce(fact)


def _crowded(place: Place) -> Refusal | None:
    if place.refused_for_s is None:
        return None
    return Refusal(reason=Decline.TOO_OFTEN, retry_after_s=place.refused_for_s)


def _invoice(written: Outcome) -> Invoice:
    assert isinstance(written.invoice, Invoice), "a refusal was raised"
    return written.invoice


def _content(invoice: Invoice, words: Mapping[str, str]) -> dict[str, JsonValue]:
    stage = invoice.stage
    content: dict[str, JsonValue] = {
        "title": invoice.title,
        "description": words.get("description", stage.description),
        "payload": invoice.payload,
        "currency": CURRENCY,
        "prices": [{"label": stage.label, "amount": invoice.price_stars}],
    }
    if stage.photo_url is not None:
        content["photo_url"] = stage.photo_url
    return content
