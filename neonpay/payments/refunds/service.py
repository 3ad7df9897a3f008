"""Stars on their way back: the intent and its job are written first, then Telegram is asked, then the outcome is written.

Telegram refunds a charge whole or not at all, and has no key that makes a repeated call safe; its answer
``CHARGE_ALREADY_REFUNDED`` is what makes one safe, so that answer counts as success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from weakref import WeakValueDictionary

from neonpay.core.clock import stopwatch_s
from neonpay.core.events import Event, PaymentRefunded
from neonpay.core.job_states import JobState
from neonpay.core.jsontext import JsonValue
from neonpay.core.log_lines import PAYMENT_REFUNDED, REFUND_NOTED_EARLY, REFUND_PUT_OFF
from neonpay.core.payments import Payment, Refund, RefundNotice, RefundState
from neonpay.core.ports import Adapter
from neonpay.core.retrying import RetryPolicy
from neonpay.core.text import clean, clean_or_none
from neonpay.errors import RefundError, TelegramError, TelegramUnreachableError
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.consumers.selection import REFUND
from neonpay.payments.handlers.in_transaction import with_or_without
from neonpay.payments.jobs import end_job
from neonpay.payments.refunds.runner import JobRunner
from neonpay.payments.refunds.store import Change, RefundStore
from neonpay.store.job_rows import Job

_ALREADY = "CHARGE_ALREADY_REFUNDED"
_BAD_REQUEST = 400


class RefundService:
    """Refunds the charges of one bot, each as a job: another worker carries on when this one dies.

    Args:
        apart: the same database, for units that run refund handlers and may block.
    """

    def __init__(
        self,
        ledger: Ledger,
        apart: Ledger,
        adapter: Adapter,
        book: RefundStore,
        runner: JobRunner,
        *,
        retries: RetryPolicy,
    ) -> None:
        self._ledger = ledger
        self._apart = apart
        self._adapter = adapter
        self._book = book
        self._runner = runner
        self._retries = retries
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        runner.add_self_finishing(REFUND, self._carry_out)

    async def refund(self, charge_id: str, *, reason: str | None, requested_by: str | None = None) -> Refund:
        """Give the Stars of a charge back, as far as Telegram does it now; see ``NeonPayCore.refund``."""
        words = (clean_or_none(reason), clean_or_none(requested_by))
        # The next one who asks finds the attempt running, not a lease whose answer is still on its way to this process.
        async with self._turns.setdefault(charge_id, asyncio.Lock()):
            change = await self._ledger.run(self._book.once(charge_id, self._book.intend), charge_id, *words, True)
            self._runner.follow(change)
        return await self._outcome(charge_id)

    async def follow(self, change: Change) -> Refund:
        """Carry out an intent that was written, or wait for whoever in this process is at it; how far that has come.

        Raises:
            RefundError: Telegram refuses for good.
        """
        self._runner.follow(change)
        return await self._outcome(change.refund.charge_id)

    async def _outcome(self, charge_id: str) -> Refund:
        task = self._runner.running(charge_id, REFUND)
        if task is not None:
            await asyncio.wait({task})  # the attempt goes on when whoever asked for it is cancelled
            if not task.cancelled():
                task.result()
        refund = await self._ledger.read(self._book.find, charge_id)
        assert refund is not None, "it was intended a moment ago"
        if refund.state is RefundState.FAILED:
            raise RefundError(charge_id, refund.error or "")
        return refund

    async def leave(self, charge_id: str, *, reason: str | None, requested_by: str | None = None) -> Refund:
        """Write the intent and leave its job to whichever worker is free; raises PaymentNotFoundError."""
        words = (clean_or_none(reason), clean_or_none(requested_by))
        change = await self._ledger.run(self._book.once(charge_id, self._book.intend), charge_id, *words, False)
        self._runner.follow(change)
        return change.refund

    async def in_state(self, state: RefundState | None, *, limit: int) -> list[Refund]:
        """Refunds, newest first."""
        return await self._ledger.read(self._book.in_state, state, limit)

    async def record_from_outside(self, notice: RefundNotice, invoice_id: str | None) -> Event | None:
        """Telegram tells of a refund, ours or somebody else's; the ledger ends in the same state.

        Returns the event when that was news; None when the ledger knew, or keeps it for a payment that it does not have yet.
        """
        began_s = stopwatch_s()
        unit = self._book.once(notice.charge_id, self._book.record_from_outside)

        def attempt(inside: bool) -> Awaitable[Change | None]:
            return (self._apart if inside else self._ledger).run(unit, notice, invoice_id, inside)

        change = await with_or_without(attempt)
        if change is None:
            REFUND_NOTED_EARLY.tell(notice, amount_stars=notice.amount, invoice_id=invoice_id)
            return None
        self._follow(change, began_s)
        return change.events[0] if change.events else None

    async def _carry_out(self, job: Job) -> None:
        payment = await self._ledger.run(self._book.begin, job)
        if payment is None:
            return
        began_s = stopwatch_s()
        params: dict[str, JsonValue] = {
            "user_id": payment.user_id,
            "telegram_payment_charge_id": payment.telegram_charge_id,
        }
        try:
            await self._adapter.call("refundStarPayment", params)
        except TelegramUnreachableError as exc:
            await self._put_off(job, payment, str(exc), self._retries.pause_s(job.attempts), began_s, unknown=True)
        except TelegramError as exc:
            if _ALREADY in exc.description.upper():
                await self._settle(job, began_s)
            elif exc.error_code == _BAD_REQUEST:
                unit = self._book.once(job.of_charge, self._book.mark_failed)
                self._runner.follow(await self._ledger.run(unit, job.of_charge, clean(exc.description)))
            else:
                delay_s = self._retries.pause_s(job.attempts, exc)
                words = f"{exc.error_code} {exc.description}"
                await self._put_off(job, payment, words, delay_s, began_s, unknown=False)
        else:
            await self._settle(job, began_s)

    async def _settle(self, job: Job, began_s: float) -> None:
        unit = self._book.once(job.of_charge, self._book.mark_refunded)

        def attempt(inside: bool) -> Awaitable[Change]:
            return (self._apart if inside else self._ledger).run(unit, job.of_charge, inside)

        self._follow(await with_or_without(attempt), began_s)

    def _follow(self, change: Change, began_s: float) -> None:
        for event in change.events:
            if isinstance(event, PaymentRefunded):
                PAYMENT_REFUNDED.tell(event, began_s=began_s)
        self._runner.follow(change)

    async def _put_off(
        self, job: Job, payment: Payment, error: str, delay_s: float, began_s: float, *, unknown: bool
    ) -> None:
        words = clean(error)
        REFUND_PUT_OFF.tell(payment, began_s=began_s, reason=words, retry_in_s=round(delay_s, 1))

        def unit(transaction: Transaction) -> None:
            self._book.lock(transaction, job.of_charge)
            if end_job(transaction, job, JobState.READY, error=words, delay_s=delay_s):
                self._book.put_off(transaction, job.of_charge, words, unknown=unknown)

        await self._ledger.run(unit)
        self._runner.changed.set()
