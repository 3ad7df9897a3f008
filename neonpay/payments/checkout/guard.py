"""The checkout guard: every pre-checkout query is checked against the signed offer, and answered in time.

Telegram cancels the order when ten seconds pass without an answer, so the guard has a budget of its own, waits behind no
queue, and declines whatever it cannot decide. Where a rule of one's own goes is in ``payments.gates``: there are four doors.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from neonpay.core.checkout import CHECKOUT_BUDGET_S, CheckoutRefused, Decline
from neonpay.core.clock import stopwatch_s
from neonpay.core.events import Event
from neonpay.core.log_lines import (
    CHECKOUT_APPROVED,
    CHECKOUT_DECLINED,
    CHECKOUT_FAILED,
    CHECKOUT_UNANSWERED,
    LogLine,
)
from neonpay.core.payload import InvoiceRef
from neonpay.core.payments import PreCheckout
from neonpay.core.ports import Adapter
from neonpay.errors import LedgerError, PayloadError, PaymentError, TelegramError
from neonpay.ledger import Ledger
from neonpay.payments.checkout.hooks import Hooks
from neonpay.payments.checkout.store import Checkout, CheckoutStore, Declined, Noticed
from neonpay.payments.gates import Gate, Refusal
from neonpay.payments.threads import Threads

logger = logging.getLogger("neonpay.payments")

_BAD_REQUEST = 400
_FAULTS = frozenset({Decline.TOO_SLOW, Decline.ERROR})
"""Reasons that are the shop's and not the buyer's."""


class CheckoutGuard:
    """Answers the pre-checkout queries of one bot."""

    def __init__(
        self,
        ledger: Ledger,
        adapter: Adapter,
        *,
        book: CheckoutStore,
        verify: Callable[[str], Awaitable[InvoiceRef]],
        new_event_id: Callable[[], str],
        announce: Callable[[Event], None],
        host_data: Callable[[], Mapping[str, object]],
        threads: Threads,
        budget_s: float = CHECKOUT_BUDGET_S,
    ) -> None:
        self._ledger = ledger
        self._adapter = adapter
        self._book = book
        self._verify = verify
        self._new_event_id = new_event_id
        self._announce = announce
        self._budget_s = budget_s
        self.hooks = Hooks(threads, host_data)
        self._late: set[asyncio.Future[None]] = set()

    def add_gate(self, gate: Gate) -> None:
        """Ask ``gate`` in the transaction that approves a checkout, and tell it of those that are declined."""
        self._book.gates.append(gate)

    async def handle(self, query: PreCheckout, ready: Callable[[], Awaitable[None]]) -> None:
        """Decide and answer.

        Args:
            ready: awaited inside the budget before anything else; opens the ledger after a restart.
        """
        checkout, began_s = Checkout(query, self._new_event_id()), stopwatch_s()
        try:
            verdict = await self._decided(checkout, ready)
        except asyncio.CancelledError:
            checkout.is_over = True
            raise
        checkout.is_over = verdict is not None
        # Before Telegram has the answer, so that the payment, which may come at once, is told of after it.
        _tell(_line(verdict), checkout, began_s, None if verdict is None else verdict.reason)
        if verdict is not None:
            self._take_back_later(checkout)
            # At the same time, so that those who were declined together are noted together.
            await asyncio.gather(
                self._answer(checkout, verdict, began_s), self._tell_declined(checkout, verdict.reason)
            )
        elif not await self._answer(checkout, None, began_s):
            await self._withdraw(checkout)

    async def drain(self) -> None:
        """Wait until what late approvals hold back is given free."""
        await asyncio.gather(*self._late)

    async def _decided(self, checkout: Checkout, ready: Callable[[], Awaitable[None]]) -> Refusal | None:
        try:
            async with asyncio.timeout(self._budget_s):
                await ready()
                checkout.ref = await self._verify(checkout.query.payload)
                try:
                    return await self._decide(checkout, checkout.ref)
                except CheckoutRefused as refusal:
                    return Refusal(reason=refusal.reason, message=refusal.message)
        except TimeoutError:
            return Refusal(reason=Decline.TOO_SLOW)
        except PayloadError:
            return Refusal(reason=Decline.FORGED_PAYLOAD)
        except Exception:  # fail closed: what cannot be checked must not be paid
            logger.exception("the checkout of %s could not be checked and is declined", checkout.query.query_id)
            return Refusal(reason=Decline.ERROR)

    async def _decide(self, checkout: Checkout, ref: InvoiceRef) -> Refusal | None:
        if self.hooks.look_at(ref.stage_id):
            query = checkout.query
            invoice = await self._ledger.read(self._book.invoice, checkout)
            fault = self._book.fault(query, ref, invoice)
            if fault is not None:
                return Refusal(reason=fault)
            assert invoice is not None, "an unknown invoice is a fault"
            await self.hooks.ask(query, invoice)
        checkout.asking = asyncio.ensure_future(self._ledger.run_each(self._book.approve, checkout))
        approved = await asyncio.shield(checkout.asking)
        if isinstance(approved, Refusal):
            return approved
        self._announce(approved)
        for fact in checkout.published:
            self._announce(fact)
        return None

    async def _answer(self, checkout: Checkout, verdict: Refusal | None, began_s: float) -> bool:
        """Tell Telegram; False when it takes no answer to this query any more."""
        query = checkout.query
        params: dict[str, str | bool] = {"pre_checkout_query_id": query.query_id, "ok": verdict is None}
        if verdict is not None:
            params["error_message"] = verdict.said(query.language_code)
        try:
            await self._adapter.call("answerPreCheckoutQuery", params)
        except TelegramError as exc:
            # A bot that was down may receive a query that is long past its deadline; no Stars moved then.
            _tell(CHECKOUT_UNANSWERED, checkout, began_s, exc.description)
            return exc.error_code != _BAD_REQUEST
        except PaymentError as exc:
            _tell(CHECKOUT_UNANSWERED, checkout, began_s, str(exc))
        return True

    def _take_back_later(self, checkout: Checkout) -> None:
        """An approval that the ledger is still writing for somebody who was declined is taken back once it is there."""
        if checkout.asking is None or checkout.asking.done():
            return
        task = asyncio.ensure_future(self._take_back(checkout, checkout.asking))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _take_back(self, checkout: Checkout, asking: asyncio.Future[Event | Refusal]) -> None:
        await asyncio.wait([asking])
        if not asking.cancelled() and asking.exception() is None:
            await self._withdraw(checkout)

    async def _withdraw(self, checkout: Checkout) -> None:
        try:
            await self._ledger.run_each(self._book.take_back, checkout)
        except LedgerError as exc:
            logger.warning("what a lapsed checkout held back could not be given free: %s", exc)

    async def _tell_declined(self, checkout: Checkout, reason: str) -> None:
        try:
            no = Declined(checkout, reason, self._new_event_id())
            event = await self._ledger.run_each(self._book.note_declined, no)
        except LedgerError as exc:
            logger.warning("a declined checkout could not be noted: %s", exc)
            return
        if event is None:
            return
        self._announce(event)
        if self._book.guards.notices(reason):
            await self._notice(no)
        for gate in self._book.gates:
            if reason not in gate.counts_declines:
                continue
            try:
                await self._ledger.run_each(self._book.notice, Noticed(gate, checkout.query, reason))
            except Exception:  # the answer is given; a gate that cannot count changes nothing about it
                logger.exception("%s could not take note of a declined checkout", type(gate).__name__)

    async def _notice(self, no: Declined) -> None:
        try:
            facts = await self._ledger.run_each(self._book.notice_declined, no)
        except Exception:  # the answer is given; an extension that cannot count changes nothing about it
            logger.exception("extensions could not be told of a declined checkout")
        else:
            for fact in facts:
                self._announce(fact)


def _line(verdict: Refusal | None) -> LogLine:
    if verdict is None:
        return CHECKOUT_APPROVED
    return CHECKOUT_FAILED if verdict.reason in _FAULTS else CHECKOUT_DECLINED


def _tell(line: LogLine, checkout: Checkout, began_s: float, reason: str | None) -> None:
    query = checkout.query
    line.tell(
        checkout.ref,
        began_s=began_s,
        bot_id=query.bot_id,
        query_id=query.query_id,
        amount_stars=query.amount,
        reason=reason,
    )
