"""The checkout guard: every pre-checkout query is checked against the signed offer, and answered in time.

Telegram cancels the order when ten seconds pass without an answer, so the guard has a budget of its own, waits behind no
queue, and declines whatever it cannot decide.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core.checkout import CheckoutRefused, Decline, buyer_message, fault_of
from neonpay.core.clock import Clock, moment
from neonpay.core.events import CheckoutApproved, CheckoutDeclined, Event
from neonpay.core.payload import InvoiceRef
from neonpay.core.payments import Invoice, PreCheckout
from neonpay.core.ports import Adapter
from neonpay.core.stages import StageRegistry
from neonpay.errors import LedgerError, PayloadError, PaymentError, TelegramError
from neonpay.ledger import Ledger, Statement, Transaction
from neonpay.ledger.tables import invoices
from neonpay.payments.book import write_event
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.gates import Gate, Refusal, Sale, first_refusal
from neonpay.payments.handlers import Function
from neonpay.payments.rows import find_invoice

logger = logging.getLogger("neonpay.payments")

BUDGET_S = 8.0
"""Time the guard allows itself, so that its answer arrives within Telegram's ten seconds."""
_BAD_REQUEST = 400
_HOLD_US = 60_000_000
"""How long a buyer who was let through keeps others from paying an invoice that may be paid once more only."""

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
class _Checkout:
    """One query on its way to an answer.

    Attributes:
        sale_id: id of the approval, should there be one.
        is_over: the answer is given without the approval, which may still stand in the ledger's queue and must not happen.
        is_asked: the ledger was asked to write the approval.
        approval: what the ledger has written, until what it holds back for the buyer is given free again.
    """

    query: PreCheckout
    sale_id: str
    ref: InvoiceRef | None = None
    is_over: bool = False
    is_asked: bool = False
    approval: _Approval | None = None


@dataclass(frozen=True, slots=True)
class _Approval:
    """What an approval holds back for its buyer.

    Attributes:
        held_until_us: when the hold on the invoice ends, if there is one.
    """

    invoice_id: str
    held_until_us: int | None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A no, with other words for the buyer than the usual ones of its reason."""

    decline: Decline
    message: str | None = None


class _Held(Exception):  # noqa: N818  # undoes what the gates have counted, and is no fault
    """The invoice can be paid once more only, and somebody is about to."""


class CheckoutGuard:
    """Answers the pre-checkout queries of one bot."""

    def __init__(
        self,
        ledger: Ledger,
        adapter: Adapter,
        *,
        stages: StageRegistry,
        catalogue: Catalogue,
        verify: Callable[[str], Awaitable[InvoiceRef]],
        clock: Clock,
        new_event_id: Callable[[], str],
        announce: Callable[[Event], None],
        host_data: Callable[[], Mapping[str, object]],
        budget_s: float = BUDGET_S,
    ) -> None:
        self._ledger = ledger
        self._adapter = adapter
        self._stages = stages
        self._catalogue = catalogue
        self._verify = verify
        self._clock = clock
        self._new_event_id = new_event_id
        self._announce = announce
        self._host_data = host_data
        self._budget_s = budget_s
        self._bot_id = adapter.bot_id
        self._hooks: list[Function] = []
        self._gates: list[Gate] = []

    def add_gate(self, gate: Gate) -> None:
        """Ask ``gate`` in the transaction that approves a checkout, and tell it of those that are declined."""
        self._gates.append(gate)

    def add_hook(self, hook: Function) -> None:
        """Ask ``hook`` before a checkout is approved; it declines by raising ``CheckoutRefused``."""
        self._hooks.append(hook)

    async def handle(self, query: PreCheckout, ready: Callable[[], Awaitable[None]]) -> None:
        """Decide and answer.

        Args:
            ready: awaited inside the budget before anything else; opens the ledger after a restart.
        """
        checkout = _Checkout(query, self._new_event_id())
        verdict = await self._decided(checkout, ready)
        checkout.is_over = verdict is not None
        has_lapsed = not await self._answer(query, verdict)
        if verdict is not None:
            await self._tell_declined(checkout, verdict.decline)
        elif has_lapsed:
            await self._withdraw(checkout)

    async def _decided(self, checkout: _Checkout, ready: Callable[[], Awaitable[None]]) -> _Verdict | None:
        try:
            async with asyncio.timeout(self._budget_s):
                await ready()
                checkout.ref = await self._verify(checkout.query.payload)
                return await self._decide(checkout, checkout.ref)
        except TimeoutError:
            return _Verdict(Decline.TOO_SLOW)
        except PayloadError:
            return _Verdict(Decline.FORGED_PAYLOAD)
        except _Held:
            return _Verdict(Decline.BEING_PAID)
        except CheckoutRefused as refusal:
            return _Verdict(Decline.REFUSED, refusal.message)
        except Exception:  # fail closed: what cannot be checked must not be paid
            logger.exception("the checkout of %s could not be checked and is declined", checkout.query.query_id)
            return _Verdict(Decline.ERROR)

    async def _decide(self, checkout: _Checkout, ref: InvoiceRef) -> _Verdict | None:
        query = checkout.query
        invoice = await self._ledger.read(self._find, ref.invoice_id)
        fault = fault_of(
            query,
            quoted_stars=ref.price_stars,
            invoice=invoice,
            on_sale=self._stages.find(ref.stage_id),
            now=moment(self._clock.now_us()),
        )
        if fault is not None:
            return _Verdict(fault)
        assert invoice is not None, "fault_of declines an unknown invoice"
        for hook in self._hooks:
            await self._ask(hook, query, invoice)
        checkout.is_asked = True
        approved = await self._ledger.run(self._approve, checkout, invoice, self._clock.now_us())
        if isinstance(approved, Refusal):
            return _Verdict(approved.reason, approved.message)
        self._announce(approved)
        return None

    async def _ask(self, hook: Function, query: PreCheckout, invoice: Invoice) -> None:
        known = {"query": query, "invoice": invoice, "stage": invoice.stage, **self._host_data()}
        names = list(inspect.signature(hook).parameters)
        given = {name: known[name] for name in names if name in known}
        if names and names[0] not in known:
            given[names[0]] = query
        outcome = hook(**given) if inspect.iscoroutinefunction(hook) else await asyncio.to_thread(hook, **given)
        verdict = await outcome if inspect.isawaitable(outcome) else outcome
        if verdict is False:
            raise CheckoutRefused(buyer_message(Decline.REFUSED, query.language_code))
        if isinstance(verdict, str):
            raise CheckoutRefused(verdict)

    def _approve(self, transaction: Transaction, checkout: _Checkout, invoice: Invoice, now_us: int) -> Event | Refusal:
        query, most = checkout.query, invoice.stage.max_payments
        checkout.approval = None
        if checkout.is_over:
            return Refusal(reason=Decline.TOO_SLOW)
        sale = Sale(
            bot_id=self._bot_id,
            sale_id=checkout.sale_id,
            user_id=query.user_id,
            stage_id=invoice.stage_id,
            price_stars=invoice.price_stars,
            invoice=invoice,
            query=query,
        )
        refusal = first_refusal(self._gates, transaction, sale)
        if refusal is not None:
            return refusal
        until_us = None if most is None else now_us + _HOLD_US
        if until_us is not None and not transaction.execute(
            _HOLD, self._bot_id, invoice.invoice_id, most, query.user_id, now_us, until_us
        ):
            raise _Held
        checkout.approval = _Approval(invoice.invoice_id, until_us)
        return write_event(
            transaction,
            CheckoutApproved,
            bot_id=self._bot_id,
            event_id=checkout.sale_id,
            at_us=now_us,
            user_id=query.user_id,
            stage_id=invoice.stage_id,
            invoice_id=invoice.invoice_id,
            amount_stars=query.amount,
        )

    async def _answer(self, query: PreCheckout, verdict: _Verdict | None) -> bool:
        """Tell Telegram; False when it takes no answer to this query any more."""
        params: dict[str, str | bool] = {"pre_checkout_query_id": query.query_id, "ok": verdict is None}
        if verdict is not None:
            params["error_message"] = verdict.message or buyer_message(verdict.decline, query.language_code)
        try:
            await self._adapter.call("answerPreCheckoutQuery", params)
        except TelegramError as exc:
            # A bot that was down may receive a query that is long past its deadline; no Stars moved then.
            logger.warning("checkout %s could not be answered: %s", query.query_id, exc.description)
            return exc.error_code != _BAD_REQUEST
        except PaymentError as exc:
            logger.warning("checkout %s: %s", query.query_id, exc)
        return True

    async def _withdraw(self, checkout: _Checkout) -> None:
        try:
            await self._ledger.run(self._give_free, checkout)
        except LedgerError as exc:
            logger.warning("what a lapsed checkout held back could not be given free: %s", exc)

    async def _tell_declined(self, checkout: _Checkout, decline: Decline) -> None:
        try:
            event = await self._ledger.run(self._note_declined, checkout, decline, self._new_event_id())
        except LedgerError as exc:
            logger.warning("a declined checkout could not be noted: %s", exc)
            return
        self._announce(event)
        for gate in self._gates:
            if decline not in gate.counts_declines:
                continue
            try:
                await self._ledger.run(gate.declined, checkout.query, decline)
            except Exception:  # the answer is given; a gate that cannot count changes nothing about it
                logger.exception("%s could not take note of a declined checkout", type(gate).__name__)

    def _note_declined(self, transaction: Transaction, checkout: _Checkout, decline: Decline, event_id: str) -> Event:
        query, ref = checkout.query, checkout.ref
        if checkout.is_asked:
            self._give_free(transaction, checkout)
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

    def _give_free(self, transaction: Transaction, checkout: _Checkout) -> None:
        approval, user_id = checkout.approval, checkout.query.user_id
        if approval is None:
            return
        if approval.held_until_us is not None:
            transaction.execute(_RELEASE, self._bot_id, approval.invoice_id, user_id, approval.held_until_us)
        for gate in self._gates:
            gate.withdrawn(transaction, user_id, checkout.sale_id)

    def _find(self, transaction: Transaction, invoice_id: str) -> Invoice | None:
        return find_invoice(transaction, self._catalogue, self._bot_id, invoices.c.invoice_id == invoice_id)
