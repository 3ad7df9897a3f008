"""Requests for refunds: a buyer asks, the policy of the stage and the shop's hooks look, and a person where they say so.

A request is a row with a job before anybody is told of it; a process that dies on the way leaves the job to the next one.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from neonpay.core.payments import Payment, PaymentResult, PaymentState
from neonpay.core.requests import WORDS_MAX_CHARS, RefundRequest, RequestState
from neonpay.core.text import clean, clean_or_none
from neonpay.errors import LeaseLostError, RefundRefused, ValidationError
from neonpay.ledger import Ledger
from neonpay.payments.consumers.selection import REFUND_REQUEST, ConsumerSelection
from neonpay.payments.foreign_code import call, held, refuse_unrun
from neonpay.payments.handlers.registry import Form, Handler, HandlerRegistry
from neonpay.payments.jobs import put_off
from neonpay.payments.refunds.request_store import Concluded, RequestStore, Verdict
from neonpay.payments.refunds.runner import JobRunner
from neonpay.payments.refunds.service import RefundService
from neonpay.payments.threads import Threads
from neonpay.store.job_rows import Job

logger = logging.getLogger("neonpay.payments")

BY_POLICY = "policy"
REVIEW = "review"
"""What a hook returns to have a person decide."""
_REVIEW = Verdict(RequestState.OPEN)
_ELSEWHERE_S = 2.0
"""How long a request waits for a program that has the hooks, before one that has not looks whether it still has to."""


class Chosen(NamedTuple):
    """A payment that a buyer may ask about, and the request about it, if there is one."""

    payment: Payment
    event_id: str
    request: RefundRequest | None


class RequestService:
    """Takes and decides the requests of one bot's buyers."""

    def __init__(
        self,
        ledger: Ledger,
        book: RequestStore,
        hooks: HandlerRegistry,
        runner: JobRunner,
        refunds: RefundService,
        *,
        plan: ConsumerSelection,
        host_data: Callable[[], Mapping[str, object]],
        threads: Threads,
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._hooks = hooks
        self._runner = runner
        self._refunds = refunds
        self._host_data = host_data
        self._plan = plan
        self._threads = threads
        runner.add_self_finishing(REFUND_REQUEST, self._consider, unless=plan.lacks_reviews)

    async def ask(
        self,
        charge_id: str,
        *,
        user_id: int,
        words: str | None,
        told: bool = False,
        language_code: str | None = None,
    ) -> RefundRequest:
        """Take a request and apply the policy; see ``neonpay.refunds.request``.

        Args:
            told: whether the shop's people and the buyer are told by jobs, which a program that has them runs.
        """
        if words is not None and len(words) > WORDS_MAX_CHARS:
            raise ValidationError("words", words, f"text of at most {WORDS_MAX_CHARS} characters")
        words, language_code = clean_or_none(words, WORDS_MAX_CHARS), clean_or_none(language_code)
        unit = self._book.once(charge_id, self._book.ask)
        for job in await self._ledger.run(unit, charge_id, user_id, words, told, language_code):
            self._runner.start(job)
        task = self._runner.running(charge_id, REFUND_REQUEST)
        if task is not None:
            await asyncio.wait({task})  # it goes on when whoever asked is cancelled
            if not task.cancelled():
                task.result()
        return await self.about(charge_id)

    async def decide(self, request_id: str, verdict: Verdict) -> RefundRequest:
        """Decide in the name of a person; a request that is decided already stays as it is.

        Raises:
            RequestNotFoundError: there is no such request.
            RefundError: it is approved, and Telegram refuses the refund for good.
        """
        verdict = verdict._replace(by=clean_or_none(verdict.by), answer=clean_or_none(verdict.answer, WORDS_MAX_CHARS))
        unit = self._book.once((await self.find(request_id)).charge_id, self._book.decide)
        concluded = await self._ledger.run(unit, request_id, verdict)
        self._follow(concluded)
        if concluded.refund is not None:
            await self._refunds.follow(concluded.refund)
        return concluded.request

    async def about(self, charge_id: str) -> RefundRequest:
        """The request about a payment; raises PaymentNotFoundError when there is none."""
        return await self._ledger.read(self._book.about, charge_id)

    async def payment_of(self, request: RefundRequest) -> Payment:
        """The payment that a request is about."""
        return (await self._ledger.read(self._book.with_payment, request.charge_id))[1]

    async def find(self, request_id: str) -> RefundRequest:
        """The request with this id; raises RequestNotFoundError."""
        return await self._ledger.read(self._book.find, request_id)

    async def in_state(self, state: RequestState | None, *, limit: int) -> list[RefundRequest]:
        """Requests, newest first."""
        return await self._ledger.read(self._book.in_state, state, limit)

    async def choices(self, user_id: int, *, limit: int) -> list[Chosen]:
        """What a user has paid and may ask about, newest first."""
        found = await self._ledger.read(self._book.choices, user_id, limit)
        return [Chosen(*row) for row in found]

    async def keep_words(self, user_id: int, words: str) -> None:
        """Keep what a user has to say until they have chosen the payment that it is about; newer words replace older ones."""
        await self._ledger.run(self._book.keep_words, user_id, words)

    async def draft(self, event_id: str, *, user_id: int) -> RefundRequest | None:
        """Note that a user has chosen one of their payments; None when none of theirs has this event."""
        return await self._ledger.run(self._book.draft, event_id, user_id)

    async def draft_of(self, user_id: int) -> RefundRequest | None:
        """The newest draft of a user, or None."""
        return await self._ledger.read(self._book.draft_of, user_id)

    async def _consider(self, job: Job) -> None:
        request, payment = await self._ledger.read(self._book.with_payment, job.of_charge)
        if await self._ledger.read(self._plan.reviews_elsewhere, payment.stage_id):
            await self._ledger.run(put_off, job, _ELSEWHERE_S)
            return
        verdict = await self._verdict(request, payment) if request.state is RequestState.OPEN else None
        try:
            concluded = await self._ledger.run(self._book.once(job.of_charge, self._book.conclude), job, verdict)
        except LeaseLostError:
            logger.debug("the request about charge %s is another worker's by now", job.charge_id)
            return
        self._follow(concluded)
        if concluded.refund is not None:
            self._runner.follow(concluded.refund)

    def _follow(self, concluded: Concluded) -> None:
        self._runner.announce(concluded.events)
        self._runner.changed.set()

    async def _verdict(self, request: RefundRequest, payment: Payment) -> Verdict:
        if payment.state is PaymentState.REFUNDED:
            return Verdict(RequestState.APPROVED, BY_POLICY)
        policy = None if payment.stage is None else payment.stage.refund_policy
        if policy is not None and policy.window_days is not None:
            closes_at = payment.paid_at + timedelta(days=policy.window_days)
            if request.requested_at > closes_at:
                return Verdict(RequestState.REFUSED, BY_POLICY)
        review = policy is None or not policy.automatic
        for hook in self._hooks.for_stage(payment.stage_id):
            try:
                review = (await self._ask_hook(hook, request, payment)) == REVIEW or review
            except RefundRefused as refusal:
                return Verdict(RequestState.REFUSED, f"hook:{hook.name}", clean(refusal.message, WORDS_MAX_CHARS))
            except Exception:  # a hook's bug must neither pay out nor refuse; a person decides
                logger.exception("refund request hook %r raised for charge %s", hook.name, payment.charge_id)
                review = True
        return _REVIEW if review else Verdict(RequestState.APPROVED, BY_POLICY)

    async def _ask_hook(self, hook: Handler, request: RefundRequest, payment: Payment) -> object:
        result, host = PaymentResult.of(payment), self._host_data
        given = hook.arguments(result, context=None, connection=None, host=host, about={"request": request})
        if hook.form is Form.ASYNC:
            outcome = call(lambda: hook.function(**given))
        else:
            outcome = await self._threads.run(hook, hook.function, **given)
        verdict = await held(outcome) if inspect.isawaitable(outcome) else outcome
        refuse_unrun(verdict, f"hook {hook.name!r}")
        return verdict
