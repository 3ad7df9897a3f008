"""What the ledger knows of checkouts: it approves them, many in one transaction, and takes back what nobody needs any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.checkout import Decline, fault_of
from neonpay.core.clock import Clock, microseconds, moment
from neonpay.core.events import CheckoutApproved, CheckoutDeclined, Event
from neonpay.core.payload import InvoiceRef
from neonpay.core.payments import Invoice, PreCheckout, moment_or_none
from neonpay.core.stages import StageRegistry
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import events, invoices, off_sale
from neonpay.payments.checkout import holds, seats
from neonpay.payments.checkout.holds import Hold
from neonpay.payments.consumers.registry import VERSION
from neonpay.payments.extending.guarding import Guards, Held
from neonpay.payments.extension import Claim, Release, Released
from neonpay.payments.gates import Gate, Refusal, Sale, first_refusal
from neonpay.store.entries import publish
from neonpay.store.ids import following_id
from neonpay.store.payment_rows import invoice_of
from neonpay.store.stage_versions import Catalogue

_COLUMNS = [*[column.name for column in invoices.c], "is_off_sale", "version"]
_IS_OFF_SALE = sa.and_(off_sale.c.bot_id == invoices.c.bot_id, off_sale.c.stage_id == invoices.c.stage_id)
_INVOICES = Among(
    lambda ids: (
        sa.select(invoices, off_sale.c.stage_id.is_not(None), sa.func.coalesce(VERSION, 0))
        .outerjoin_from(invoices, off_sale, _IS_OFF_SALE)
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
    ),
    "b",
)
_WRITTEN = Among(
    lambda ids: sa.select(events.c.event_id).where(events.c.bot_id == sa.bindparam("b"), events.c.event_id.in_(ids)),
    "b",
)


@dataclass(slots=True)
class Checkout:
    """One delivery of a query, on its way to an answer.

    Attributes:
        delivery: id of this delivery; Telegram may deliver a query again.
        sale_id: id of the approval of this query, should there be one; known once its invoice is.
        is_over: the answer is given without the approval, which may still stand in the ledger's queue and must not happen.
        found_none: a run of the unit has found no approval of this query, so one that is there may be this delivery's own.
        asking: the ledger writing the approval; it goes on when the answer cannot wait for it.
        approval: what the ledger has written, until what it holds back for the buyer is given free again.
        published: facts that extensions have written with the approvals of its batch; of one checkout of the batch only.
    """

    query: PreCheckout
    delivery: str
    ref: InvoiceRef | None = None
    sale_id: str | None = None
    is_over: bool = False
    found_none: bool = False
    asking: asyncio.Future[Event | Refusal] | None = None
    approval: Approval | None = None
    published: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approval holds back for its buyer.

    Attributes:
        hold: the seat that is held, if the invoice has so many only.
        is_first: whether it was written for this delivery of the query; otherwise its fate is no business of this one.
    """

    sale_id: str
    hold: Hold | None
    is_first: bool


class Declined(NamedTuple):
    """A no that was given."""

    checkout: Checkout
    reason: str
    event_id: str


class Noticed(NamedTuple):
    """A no that a gate wants to be told of."""

    gate: Gate
    query: PreCheckout
    reason: str


class _Passed(NamedTuple):
    place: int
    checkout: Checkout
    invoice: Invoice
    sale_id: str


class CheckoutStore:
    """Units of work about the checkouts of one bot."""

    def __init__(
        self, bot_id: int, *, stages: StageRegistry, catalogue: Catalogue, guards: Guards, clock: Clock
    ) -> None:
        self._bot_id = bot_id
        self._stages = stages
        self._catalogue = catalogue
        self.guards = guards
        self._clock = clock
        self.gates: list[Gate] = []

    def invoice(self, transaction: Transaction, checkout: Checkout) -> Invoice | None:
        """The invoice that a checkout's verified payload names, or None."""
        return self._invoice_of(checkout, self._invoices(transaction, [_ref(checkout).invoice_id]))

    def fault(self, query: PreCheckout, ref: InvoiceRef, invoice: Invoice | None) -> Decline | None:
        """Why the rules that hold for every shop decline, or None."""
        return fault_of(
            query,
            quoted_stars=ref.price_stars,
            invoice=invoice,
            is_on_sale=ref.stage_id not in self._stages.removed and not (invoice and invoice.is_off_sale),
            now=moment(self._clock.now_us()),
        )

    def approve(self, transaction: Transaction, checkouts: Sequence[Checkout]) -> list[Event | Refusal]:
        """For each checkout, the approval that is written, with what it holds back for the buyer, or why there is none."""
        outcomes: dict[int, Event | Refusal] = {}
        passed: list[_Passed] = []
        self._forget_unkept(transaction, [checkout for checkout in checkouts if checkout.approval is not None])
        known = self._invoices(transaction, [_ref(checkout).invoice_id for checkout in checkouts])
        lacking = Refusal(reason=Decline.ERROR) if self.guards.lack() else None
        for index, checkout in enumerate(checkouts):
            invoice = self._invoice_of(checkout, known)
            fault = Decline.TOO_SLOW if checkout.is_over else self.fault(checkout.query, _ref(checkout), invoice)
            if fault is not None:
                outcomes[index] = Refusal(reason=fault)
            elif lacking is not None:
                outcomes[index] = lacking
            else:
                assert invoice is not None, "an unknown invoice is a fault"
                assert checkout.sale_id is not None, "the invoice is known"
                passed.append(_Passed(index, checkout, invoice, checkout.sale_id))
        outcomes |= self._let_through(transaction, passed)
        return [outcomes[index] for index in range(len(checkouts))]

    def _forget_unkept(self, transaction: Transaction, again: Sequence[Checkout]) -> None:
        """An approval of an earlier run stays, to be taken back should this run decline, if that run was kept."""
        written = self._written(transaction, [checkout.sale_id for checkout in again if checkout.sale_id])
        for checkout in again:
            if checkout.sale_id not in written:
                checkout.approval = None

    def _let_through(self, transaction: Transaction, passed: Sequence[_Passed]) -> dict[int, Event | Refusal]:
        limited = [one for one in passed if one.invoice.stage.max_payments is not None]
        free = seats.lock(transaction, self._bot_id, [one.invoice for one in limited])
        keys = [(seats.resource_of(one.invoice.invoice_id), one.sale_id) for one in limited]
        answered = holds.deliveries(transaction, self._bot_id, keys)
        known: set[str] = set()
        if limited or self.guards.remembers or any(gate.counts_checkouts for gate in self.gates):
            known = self._written(transaction, [one.sale_id for one in passed])
        claims_of = {one.sale_id: _claim(one) for one in passed if one.sale_id not in known}
        asked = self.guards.hold(transaction, list(claims_of.values()))
        outcomes: dict[int, Event | Refusal] = {}
        claims: list[Hold] = []
        # By buyer, so that transactions whose gates lock the same buyers lock them in the same order.
        for one in sorted(passed, key=lambda one: one.checkout.query.user_id):
            room, checkout, sale_id = free.get(one.invoice.invoice_id), one.checkout, one.sale_id
            is_held = sale_id in answered
            refusal = None
            checkout.found_none = checkout.found_none or sale_id not in known
            if room is not None and not is_held and (reason := room.refusal()) is not None:
                refusal = Refusal(reason=reason)
            elif sale_id not in known:
                refusal = asked.refusals.get(sale_id) or self._refusal(transaction, one)
            if refusal is not None:
                outcomes[one.place] = refusal
                continue
            is_own = checkout.found_none and answered.get(sale_id, checkout.delivery) == checkout.delivery
            hold = None
            if room is not None:
                user_id, invoice_id = checkout.query.user_id, one.invoice.invoice_id
                hold = seats.hold_of(invoice_id, user_id, sale_id, checkout.delivery)
                claims.append(hold)
                room.held += not is_held
                answered[sale_id] = checkout.delivery
            checkout.approval = Approval(sale_id, hold, is_first=is_own or sale_id not in known)
            known.add(sale_id)
            outcomes[one.place] = self._approved(one)
        published = self._let_go(transaction, claims_of, asked, outcomes, passed)
        if passed:
            passed[0].checkout.published = published
        holds.hold(transaction, self._bot_id, claims)
        approved = [outcome for outcome in outcomes.values() if not isinstance(outcome, Refusal)]
        publish(transaction, *approved)
        return outcomes

    def _let_go(
        self,
        transaction: Transaction,
        claims: Mapping[str, Claim],
        asked: Held,
        outcomes: Mapping[int, Event | Refusal],
        passed: Sequence[_Passed],
    ) -> Sequence[Event]:
        """What extensions have set aside for those whom others refuse; all facts that extensions have written."""
        refused = {one.sale_id for one in passed if isinstance(outcomes[one.place], Refusal)}
        over = [claim for sale_id, claim in claims.items() if sale_id in refused and sale_id not in asked.refusals]
        return [*asked.published, *self.guards.let_go(transaction, over, Release.REFUSED)]

    def _refusal(self, transaction: Transaction, one: _Passed) -> Refusal | None:
        sale = Sale(
            bot_id=self._bot_id,
            sale_id=one.sale_id,
            user_id=one.checkout.query.user_id,
            stage_id=one.invoice.stage_id,
            price_stars=one.invoice.price_stars,
            invoice=one.invoice,
            query=one.checkout.query,
        )
        return first_refusal(self.gates, transaction, sale)

    def _approved(self, one: _Passed) -> Event:
        return CheckoutApproved(
            bot_id=self._bot_id,
            event_id=one.sale_id,
            at=moment(self._clock.now_us()),
            user_id=one.checkout.query.user_id,
            stage_id=one.invoice.stage_id,
            invoice_id=one.invoice.invoice_id,
            amount_stars=one.checkout.query.amount,
        )

    def note_declined(self, transaction: Transaction, declined: Sequence[Declined]) -> list[Event | None]:
        """The noes are written, and approvals that came after them taken back; None for a query that was approved before.

        Such a query was delivered again, and what was said the second time changes nothing.
        """
        self.take_back(transaction, [one.checkout for one in declined])
        sale_ids = [one.checkout.sale_id for one in declined if one.checkout.sale_id and not one.checkout.approval]
        approved = self._written(transaction, sale_ids)
        noes: list[Event | None] = []
        for one in declined:
            is_repeat = one.checkout.sale_id in approved and one.checkout.approval is None
            noes.append(None if is_repeat else self._declined(one))
        publish(transaction, *[event for event in noes if event is not None])
        return noes

    def _declined(self, one: Declined) -> Event:
        query, ref = one.checkout.query, one.checkout.ref
        return CheckoutDeclined(
            bot_id=self._bot_id,
            event_id=one.event_id,
            at=moment(self._clock.now_us()),
            user_id=query.user_id,
            stage_id=ref.stage_id if ref else None,
            invoice_id=ref.invoice_id if ref else None,
            amount_stars=query.amount,
            reason=str(one.reason),
        )

    def notice(self, transaction: Transaction, noticed: Sequence[Noticed]) -> list[None]:
        """Gates are told of checkouts that were declined."""
        for one in sorted(noticed, key=lambda one: one.query.user_id):
            one.gate.declined(transaction, one.query, one.reason)
        return [None] * len(noticed)

    def notice_declined(self, transaction: Transaction, declined: Sequence[Declined]) -> list[Sequence[Event]]:
        """Extensions are told of checkouts that were declined; the facts that they have written."""
        in_order = sorted(declined, key=lambda one: one.checkout.query.user_id)
        facts = {one.event_id: self.guards.declined(transaction, one.checkout.query, one.reason) for one in in_order}
        return [facts[one.event_id] for one in declined]

    def take_back(self, transaction: Transaction, checkouts: Sequence[Checkout]) -> list[None]:
        """What approvals hold back for their buyers is anybody's again, unless the same query was answered otherwise, too."""
        for checkout in checkouts:
            approval = checkout.approval
            if approval is None:
                continue
            if approval.hold is not None and not holds.release(transaction, self._bot_id, approval.hold):
                continue
            if approval.is_first:
                for gate in self.gates:
                    gate.withdrawn(transaction, checkout.query.user_id, approval.sale_id)
                invoice_id = checkout.ref.invoice_id if checkout.ref else None
                user_id = checkout.query.user_id
                over = Released(claim_id=approval.sale_id, invoice_id=invoice_id, user_id=user_id)
                self.guards.let_go(transaction, [over], Release.CHECKOUT_LAPSED)
        return [None] * len(checkouts)

    def _written(self, transaction: Transaction, sale_ids: Sequence[str]) -> set[str]:
        return {str(row[0]) for row in transaction.rows_among(_WRITTEN, (self._bot_id,), sale_ids)}

    def _invoice_of(self, checkout: Checkout, known: Mapping[str, Invoice]) -> Invoice | None:
        invoice = known.get(_ref(checkout).invoice_id)
        if invoice is not None:
            # A query tells no time; that of its invoice lets ids of one time lie together.
            made_at_us = microseconds(invoice.created_at)
            checkout.sale_id = following_id(self._bot_id, f"checkout {checkout.query.query_id}", made_at_us)
        return invoice

    def _invoices(self, transaction: Transaction, ids: Sequence[str]) -> dict[str, Invoice]:
        found: dict[str, Invoice] = {}
        for values in transaction.rows_among(_INVOICES, (self._bot_id,), ids):
            row = dict(zip(_COLUMNS, values, strict=True))
            row["created_at"], row["expires_at"] = moment(row["created_at"]), moment_or_none(row["expires_at"])
            self.guards.refresh(transaction, row["version"])
            found[row["invoice_id"]] = invoice_of(transaction, self._catalogue, row)
        return found


def _claim(one: _Passed) -> Claim:
    return Claim(
        claim_id=one.sale_id,
        invoice_id=one.invoice.invoice_id,
        stage_id=one.invoice.stage_id,
        price_stars=one.invoice.price_stars,
        user_id=one.checkout.query.user_id,
        query=one.checkout.query,
        invoice=one.invoice,
        terms=one.invoice.terms,
    )


def _ref(checkout: Checkout) -> InvoiceRef:
    assert checkout.ref is not None, "only a payload that verifies is taken to the ledger"
    return checkout.ref
