"""Units of work about invoices: each is written once, and one worker at a time is about to send it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event, InvoiceCreated, InvoiceFailed, OfferRefused
from neonpay.core.jsontext import JsonObject
from neonpay.core.limits import TITLE_MAX_CHARS
from neonpay.core.payload import PayloadCodec
from neonpay.core.payments import Invoice, InvoiceState
from neonpay.core.stages import PaymentStage, frozen_json
from neonpay.core.text import fit
from neonpay.errors import PaymentError
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import invoices
from neonpay.payments.extending.guarding import Guards
from neonpay.payments.extension import Asked, Claim, Quote, Release, Released
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
    "terms",
    "message_thread_id",
    "title",
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
        price_stars: what this offer asks for, before extensions had their say; the stage allows it.
        is_price_asked: whether the call has said the price.
        message_thread_id: the topic of the chat that it goes to.
        words: ``title`` and ``description`` of this invoice, where they are not the stage's.
    """

    stage_id: str
    stage: PaymentStage
    price_stars: int
    words: Mapping[str, str]
    is_price_asked: bool = False
    asker_id: int | None
    payer_id: int | None
    metadata: JsonObject
    idempotency_key: str | None
    message_thread_id: int | None = None

    @property
    def own_title(self) -> str | None:
        """Its title, where that is not its stage's."""
        title = self.words.get("title")
        return None if title is None or title == self.stage.title else fit(title, TITLE_MAX_CHARS)


class Outcome(NamedTuple):
    """What a draft has come to.

    Attributes:
        invoice: the invoice of the draft, or an earlier one under its key; a refusal when there is none.
        event: what is to be told.
        is_mine: whether whoever wrote the draft is the one to send the invoice.
        published: facts that extensions have written.
    """

    invoice: Invoice | Refusal
    event: Event | None = None
    is_mine: bool = False
    published: Sequence[Event] = ()


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


class InvoiceStore:
    """The invoices of one bot."""

    def __init__(self, bot_id: int, *, catalogue: Catalogue, guards: Guards, clock: Clock) -> None:
        self._bot_id = bot_id
        self._catalogue = catalogue
        self._guards = guards
        self._clock = clock
        self.gates: list[Gate] = []

    def write(self, transaction: Transaction, draft: Draft) -> Outcome:
        """The invoice is written, found under its key, or refused.

        Raises:
            PaymentError: the key was used for another offer.
            ExtensionMissingError: the shop sells by the rules of an extension that this program does not use.
        """
        offer = draft.offer
        key = offer.idempotency_key
        if key is not None and (known := self._find(transaction, invoices.c.idempotency_key == key)) is not None:
            return self._again(transaction, draft, known)
        if draft.crowded is not None:
            return self._refused(transaction, draft, draft.crowded)
        self._guards.require_all(transaction)
        quote, published = self._quote(transaction, offer)
        if isinstance(quote, Refusal):
            return self._refused(transaction, draft, quote)
        claim = _claim(draft, quote)
        held = self._guards.hold(transaction, [claim])
        if held.refusals:
            return self._refused(transaction, draft, held.refusals[draft.invoice_id])
        refusal = self._refusal(transaction, draft, quote)
        if refusal is not None:
            self._guards.let_go(transaction, [claim], Release.REFUSED)
            return self._refused(transaction, draft, refusal)
        version = self._catalogue.version_of(transaction, offer.stage_id, offer.stage, draft.now_us)
        transaction.insert(_INSERT, self._row(draft, version, quote))
        invoice = self._find(transaction, invoices.c.invoice_id == draft.invoice_id)
        if invoice is None:
            assert key is not None, "an invoice id is used once, so it is the key that is there"
            known = self._find(transaction, invoices.c.idempotency_key == key)
            assert known is not None, "the key is there"
            self._guards.let_go(transaction, [claim], Release.REFUSED)
            return self._again(transaction, draft, known)
        event = InvoiceCreated(
            bot_id=self._bot_id,
            event_id=draft.event_id,
            at=moment(draft.now_us),
            user_id=offer.payer_id,
            stage_id=offer.stage_id,
            invoice_id=draft.invoice_id,
            amount_stars=quote.price_stars,
        )
        publish(transaction, event)
        return Outcome(invoice, event, is_mine=True, published=[*published, *held.published])

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
    ) -> Sequence[Event]:
        """The invoice was not sent, and can be asked for again; no facts when another worker sends it meanwhile."""
        if not self.put_back(transaction, invoice, sender, state=InvoiceState.FAILED):
            return ()
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
        over = Released(claim_id=invoice.invoice_id, invoice_id=invoice.invoice_id, user_id=invoice.user_id)
        return [event, *self._guards.let_go(transaction, [over], Release.SEND_FAILED)]

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

    def _quote(self, transaction: Transaction, offer: Offer) -> tuple[Quote | Refusal, Sequence[Event]]:
        ttl_s = offer.stage.invoice_ttl_s
        quote = Quote(price_stars=offer.price_stars, valid_for_s=None if ttl_s is None else float(ttl_s))
        asked = Asked(stage_id=offer.stage_id, user_id=offer.asker_id, payer_id=offer.payer_id, metadata=offer.metadata)
        return self._guards.quote(transaction, asked, quote)

    def _row(self, draft: Draft, version: int, quote: Quote) -> tuple[object, ...]:
        offer, stage = draft.offer, draft.offer.stage
        price_stars, ttl_s = quote.price_stars, quote.valid_for_s
        return (
            self._bot_id,
            draft.invoice_id,
            offer.stage_id,
            version,
            offer.payer_id,
            price_stars,
            draft.codec.encode(draft.invoice_id, stage_id=offer.stage_id, price_stars=price_stars),
            jsontext.dump(dict(frozen_json("payload", {**stage.payload, **offer.metadata}))),
            offer.idempotency_key,
            (InvoiceState.CREATED if draft.sender is None else InvoiceState.QUEUED).value,
            draft.now_us,
            None if ttl_s is None else draft.now_us + int(ttl_s * 1_000_000),
            0,
            draft.sender,
            None if draft.sender is None else _LEASE_US,
            jsontext.dump(dict(frozen_json("terms", quote.terms))) if quote.terms else None,
            offer.message_thread_id,
            offer.own_title,
        )

    def _again(self, transaction: Transaction, draft: Draft, known: Invoice) -> Outcome:
        """What a repeated key comes to: the invoice under it, with the lease on sending it if nobody else has that."""
        offer = draft.offer
        # What an extension makes of a price may be another at another time.
        has_other_price = offer.is_price_asked and known.price_stars != offer.price_stars and not self._guards.quotes
        if known.stage_id != offer.stage_id or known.user_id != offer.payer_id or has_other_price:
            msg = "this idempotency key was used for another invoice; use one key per thing that is offered"
            raise PaymentError(msg)
        if draft.sender is None or known.message_id is not None:
            refusal = self._hold_again(transaction, known) if draft.sender is None else None
            if refusal is not None:
                return self._refused(transaction, draft, refusal)
            return Outcome(self._titled(transaction, draft, known), is_mine=draft.sender is None)
        this = (self._bot_id, known.invoice_id)
        if draft.crowded is not None:
            if transaction.row(_IS_BEING_SENT, *this):
                return Outcome(known)
            return self._refused(transaction, draft, draft.crowded)
        refusal = self._hold_again(transaction, known)
        if refusal is not None:
            return self._refused(transaction, draft, refusal)
        is_mine = bool(transaction.execute(_TAKE, *this, draft.sender, draft.sender, _LEASE_US))
        return Outcome(self._titled(transaction, draft, known) if is_mine else known, is_mine=is_mine)

    def _titled(self, transaction: Transaction, draft: Draft, known: Invoice) -> Invoice:
        """An invoice that nobody has read yet, with the title of its call where it has none of its own."""
        title = draft.offer.own_title
        if title is None or known.own_title is not None or known.message_id is not None or known.link is not None:
            return known
        this = (invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == known.invoice_id)
        transaction.connection.execute(sa.update(invoices).where(*this).values(title=title))
        return replace(known, own_title=title)

    def _hold_again(self, transaction: Transaction, known: Invoice) -> Refusal | None:
        """Set aside once more what an invoice needs that has not reached its buyer, and may have been let go of."""
        this = sa.select(invoices.c.state).where(
            invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == known.invoice_id
        )
        if not self._guards.holds_more or transaction.connection.execute(this).scalar() != InvoiceState.FAILED:
            return None
        claim = Claim(
            claim_id=known.invoice_id,
            invoice_id=known.invoice_id,
            stage_id=known.stage_id,
            price_stars=known.price_stars,
            user_id=known.user_id,
            terms=known.terms,
        )
        return self._guards.hold(transaction, [claim], again=True).refusals.get(known.invoice_id)

    def _refusal(self, transaction: Transaction, draft: Draft, quote: Quote) -> Refusal | None:
        offer = draft.offer
        sale = Sale(
            bot_id=self._bot_id,
            sale_id=draft.event_id,
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            price_stars=quote.price_stars,
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
            amount_stars=offer.price_stars,
            reason=refusal.reason,
        )
        publish(transaction, event)
        return Outcome(refusal, event)

    def _find(self, transaction: Transaction, where: sa.ColumnElement[bool]) -> Invoice | None:
        return find_invoice(transaction, self._catalogue, self._bot_id, where)


def _claim(draft: Draft, quote: Quote) -> Claim:
    return Claim(
        claim_id=draft.invoice_id,
        invoice_id=draft.invoice_id,
        stage_id=draft.offer.stage_id,
        price_stars=quote.price_stars,
        user_id=draft.offer.asker_id,
        terms=quote.terms,
    )
