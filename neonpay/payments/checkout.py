"""The checkout guard: every pre-checkout query is checked against the signed offer, and answered in time.

Telegram cancels the order when ten seconds pass without an answer, so the guard has a budget of its own, waits behind no
queue, and declines whatever it cannot decide.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping

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
from neonpay.payments.handlers import Function
from neonpay.payments.rows import find_invoice

logger = logging.getLogger("neonpay.payments")

BUDGET_S = 8.0
"""Time the guard allows itself, so that its answer arrives within Telegram's ten seconds."""
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

    def add_hook(self, hook: Function) -> None:
        """Ask ``hook`` before a checkout is approved; it declines by raising ``CheckoutRefused``."""
        self._hooks.append(hook)

    async def handle(self, query: PreCheckout, ready: Callable[[], Awaitable[None]]) -> None:
        """Decide and answer.

        Args:
            ready: awaited inside the budget before anything else; opens the ledger after a restart.
        """
        ref: InvoiceRef | None = None
        declined: tuple[Decline, str | None] | None = None
        try:
            async with asyncio.timeout(self._budget_s):
                await ready()
                ref = await self._verify(query.payload)
                declined = await self._decide(query, ref)
        except TimeoutError:
            declined = (Decline.TOO_SLOW, None)
        except PayloadError:
            declined = (Decline.FORGED_PAYLOAD, None)
        except CheckoutRefused as refusal:
            declined = (Decline.REFUSED, refusal.message)
        except Exception:  # fail closed: what cannot be checked must not be paid
            logger.exception("the checkout of %s could not be checked and is declined", query.query_id)
            declined = (Decline.ERROR, None)
        await self._answer(query, declined)
        if declined is not None:
            await self._tell_declined(query, ref, declined[0])

    async def _decide(self, query: PreCheckout, ref: InvoiceRef) -> tuple[Decline, str | None] | None:
        invoice = await self._ledger.read(self._find, ref.invoice_id)
        fault = fault_of(
            query,
            quoted_stars=ref.price_stars,
            invoice=invoice,
            on_sale=self._stages.find(ref.stage_id),
            now=moment(self._clock.now_us()),
        )
        if fault is not None:
            return fault, None
        assert invoice is not None, "fault_of declines an unknown invoice"
        for hook in self._hooks:
            await self._ask(hook, query, invoice)
        event = await self._ledger.run(self._approve, query, invoice, self._new_event_id(), self._clock.now_us())
        if event is None:
            return Decline.BEING_PAID, None
        self._announce(event)
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

    def _approve(
        self, transaction: Transaction, query: PreCheckout, invoice: Invoice, event_id: str, now_us: int
    ) -> Event | None:
        most = invoice.stage.max_payments
        if most is not None and not transaction.execute(
            _HOLD, self._bot_id, invoice.invoice_id, most, query.user_id, now_us, now_us + _HOLD_US
        ):
            return None
        return write_event(
            transaction,
            CheckoutApproved,
            bot_id=self._bot_id,
            event_id=event_id,
            at_us=now_us,
            user_id=query.user_id,
            stage_id=invoice.stage_id,
            invoice_id=invoice.invoice_id,
            amount_stars=query.amount,
        )

    async def _answer(self, query: PreCheckout, declined: tuple[Decline, str | None] | None) -> None:
        params: dict[str, str | bool] = {"pre_checkout_query_id": query.query_id, "ok": declined is None}
        if declined is not None:
            params["error_message"] = declined[1] or buyer_message(declined[0], query.language_code)
        try:
            await self._adapter.call("answerPreCheckoutQuery", params)
        except TelegramError as exc:
            # A bot that was down may receive a query that is long past its deadline; no Stars moved then.
            logger.warning("checkout %s could not be answered: %s", query.query_id, exc.description)
        except PaymentError as exc:
            logger.warning("checkout %s: %s", query.query_id, exc)

    async def _tell_declined(self, query: PreCheckout, ref: InvoiceRef | None, decline: Decline) -> None:
        try:
            event = await self._ledger.run(self._note_declined, query, ref, decline, self._new_event_id())
        except LedgerError as exc:
            logger.warning("a declined checkout could not be noted: %s", exc)
        else:
            self._announce(event)

    def _note_declined(
        self, transaction: Transaction, query: PreCheckout, ref: InvoiceRef | None, decline: Decline, event_id: str
    ) -> Event:
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

    def _find(self, transaction: Transaction, invoice_id: str) -> Invoice | None:
        return find_invoice(transaction, self._catalogue, self._bot_id, invoices.c.invoice_id == invoice_id)
