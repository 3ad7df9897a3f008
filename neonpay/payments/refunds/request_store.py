"""What the ledger holds of buyers' requests for refunds; each is decided once, under the lock of its payment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.clock import Clock
from neonpay.core.events import Event, RefundRequestApproved, RefundRequestRefused, RefundReviewRequested
from neonpay.core.job_states import JobState
from neonpay.core.payments import Payment, PaymentState
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.errors import PaymentError, PaymentNotFoundError, RequestNotFoundError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import jobs, payments, refund_requests, request_words
from neonpay.payments.consumers.selection import ANSWER_BUYER, ASK_ADMINS, REFUND_REQUEST
from neonpay.payments.jobs import finish, give_job
from neonpay.payments.refunds.store import Change, RefundStore
from neonpay.store.entries import about, publish
from neonpay.store.job_rows import INSERT_JOB, Job, job_row
from neonpay.store.payment_rows import find_payment, payment_of, select_payments
from neonpay.store.stage_versions import Catalogue

_INSERT = Insert(
    refund_requests,
    "bot_id",
    "request_id",
    "charge_id",
    "user_id",
    "state",
    "words",
    "requested_at",
)
_INSERT_WORDS = Insert(request_words, "bot_id", "user_id", "words", "written_at")
_WORDS_KEPT_US = 24 * 3600 * 1_000_000
"""Words that are older belong to something else."""
_ASKABLE = (PaymentState.ACCEPTED.value, PaymentState.NEEDS_ATTENTION.value)


class Verdict(NamedTuple):
    """What is decided about a request; ``OPEN`` leaves it to a person, ``leaves_refund`` the refund to another program."""

    state: RequestState
    by: str | None = None
    answer: str | None = None
    leaves_refund: bool = False


class Concluded(NamedTuple):
    """What deciding has made."""

    request: RefundRequest
    events: list[Event]
    refund: Change | None = None
    """The refund that an approval has intended."""


class RequestStore:
    """The requests of one bot's buyers; every method is a unit of work or a part of one."""

    def __init__(
        self,
        bot_id: int,
        refund_store: RefundStore,
        *,
        catalogue: Catalogue,
        clock: Clock,
        new_event_id: Callable[[], str],
        new_request_id: Callable[[], str],
        new_token: Callable[[], int],
        lease_us: int,
    ) -> None:
        self._bot_id = bot_id
        self._refund_store = refund_store
        self.once = refund_store.once
        self._catalogue = catalogue
        self._clock = clock
        self._new_event_id = new_event_id
        self._new_request_id = new_request_id
        self._new_token = new_token
        self._lease_us = lease_us

    def ask(
        self,
        transaction: Transaction,
        charge_id: str,
        user_id: int,
        words: str | None,
        told: bool,
        language_code: str | None,
    ) -> list[Job]:
        """Write an open request, with the job that considers it; nothing when one is open or decided already.

        Raises:
            PaymentNotFoundError: the ledger has no such payment of this user.
            PaymentError: the Stars are back, or on their way, already.
        """
        payment, event_id = self._refund_store.lock(transaction, charge_id)
        if payment.user_id != user_id:
            raise PaymentNotFoundError(charge_id)
        if not self._write_request(transaction, charge_id, user_id, RequestState.OPEN, words):
            sent = {"state": RequestState.OPEN.value, "words": words, "requested_at": self._clock.now_us()}
            if not self._update(transaction, RequestState.DRAFT, refund_requests.c.charge_id == charge_id, sent):
                return []
        transaction.connection.execute(sa.delete(request_words).where(*self._words_of(user_id)))
        if language_code is not None:
            same = refund_requests.c.charge_id == charge_id
            self._update(transaction, RequestState.OPEN, same, {"language_code": language_code})
        if payment.state.value not in _ASKABLE:
            msg = f"the Stars of charge {charge_id!r} are back, or on their way, already"
            raise PaymentError(msg, charge_id=charge_id)
        if told:
            waiting = JobState.WAITING.value
            consumers = (ASK_ADMINS, ANSWER_BUYER)
            rows = [job_row(self._bot_id, event_id, name, charge_id, state=waiting) for name in consumers]
            transaction.insert(INSERT_JOB, *rows)
        return give_job(
            transaction,
            REFUND_REQUEST,
            bot_id=self._bot_id,
            event_id=event_id,
            charge_id=charge_id,
            token=self._new_token(),
            lease_us=self._lease_us,
        )

    def conclude(self, transaction: Transaction, job: Job, verdict: Verdict | None) -> Concluded:
        """Finish the job that considers a request, with its verdict; None when there was nothing to decide.

        Raises:
            LeaseLostError: the job is another worker's; nothing was kept.
        """
        payment, event_id = self._refund_store.lock(transaction, job.of_charge)
        finish(transaction, job)
        request = self.about(transaction, job.of_charge)
        if verdict is None or request.state is not RequestState.OPEN:
            return Concluded(request, [])
        if verdict.state is not RequestState.OPEN:
            return self._decide(transaction, request, payment, event_id, verdict)
        self._wake(transaction, event_id, (ASK_ADMINS, ANSWER_BUYER))
        now_us = self._clock.now_us()
        event = about(RefundReviewRequested, payment, event_id=self._new_event_id(), at_us=now_us, reason=request.words)
        publish(transaction, event)
        return Concluded(request, [event])

    def decide(self, transaction: Transaction, request_id: str, verdict: Verdict) -> Concluded:
        """Decide an open request; raises RequestNotFoundError."""
        charge_id = self.find(transaction, request_id).charge_id
        payment, event_id = self._refund_store.lock(transaction, charge_id)
        return self._decide(transaction, self.find(transaction, request_id), payment, event_id, verdict)

    def draft(self, transaction: Transaction, event_id: str, user_id: int) -> RefundRequest | None:
        """Write that a user has chosen one of their payments; the request about it, or None when it is not theirs."""
        theirs = (payments.c.user_id == user_id, payments.c.event_id == event_id)
        row = transaction.connection.execute(select_payments(self._bot_id).where(*theirs)).mappings().first()
        if row is None:
            return None
        payment, words = payment_of(transaction, self._catalogue, row), self._kept_words(transaction, user_id)
        if not self._write_request(transaction, payment.charge_id, user_id, RequestState.DRAFT, words):
            again: dict[str, object] = {"requested_at": self._clock.now_us()}
            if words is not None:
                again["words"] = words
            same = refund_requests.c.charge_id == payment.charge_id
            self._update(transaction, RequestState.DRAFT, same, again)
        return self.about(transaction, payment.charge_id)

    def keep_words(self, transaction: Transaction, user_id: int, words: str) -> None:
        """Keep what a user has to say about a payment that they have not chosen yet."""
        now_us = self._clock.now_us()
        if not transaction.insert(_INSERT_WORDS, (self._bot_id, user_id, words, now_us)):
            newer = sa.update(request_words).where(*self._words_of(user_id)).values(words=words, written_at=now_us)
            transaction.connection.execute(newer)

    def _kept_words(self, transaction: Transaction, user_id: int) -> str | None:
        fresh = sa.type_coerce(request_words.c.written_at, sa.BigInteger) > self._clock.now_us() - _WORDS_KEPT_US
        query = sa.select(request_words.c.words).where(*self._words_of(user_id), fresh)
        words: str | None = transaction.connection.execute(query).scalar()
        return words

    def _words_of(self, user_id: int) -> tuple[sa.ColumnElement[bool], ...]:
        return (request_words.c.bot_id == self._bot_id, request_words.c.user_id == user_id)

    def draft_of(self, transaction: Transaction, user_id: int) -> RefundRequest | None:
        """The newest draft of a user, or None."""
        return self._first(
            transaction,
            refund_requests.c.user_id == user_id,
            refund_requests.c.state == RequestState.DRAFT.value,
        )

    def choices(
        self, transaction: Transaction, user_id: int, limit: int
    ) -> list[tuple[Payment, str, RefundRequest | None]]:
        """What a user has paid and may ask about, newest first, with its event and the request about it."""
        newest_first = (payments.c.paid_at.desc(), payments.c.charge_id)
        theirs = (payments.c.user_id == user_id, payments.c.state.in_(_ASKABLE))
        query = select_payments(self._bot_id).where(*theirs).order_by(*newest_first).limit(limit)
        found: list[tuple[Payment, str, RefundRequest | None]] = []
        for row in transaction.connection.execute(query).mappings().all():
            payment = payment_of(transaction, self._catalogue, row)
            request = self._first(transaction, refund_requests.c.charge_id == payment.charge_id)
            found.append((payment, row["event_id"], request))
        return found

    def with_payment(self, transaction: Transaction, charge_id: str) -> tuple[RefundRequest, Payment]:
        """The request about a payment, and the payment."""
        payment = find_payment(transaction, self._catalogue, self._bot_id, charge_id)
        assert payment is not None, "a request is about a payment"
        return self.about(transaction, charge_id), payment

    def about(self, transaction: Transaction, charge_id: str) -> RefundRequest:
        """The request about a payment; raises PaymentNotFoundError when there is none."""
        found = self._first(transaction, refund_requests.c.charge_id == charge_id)
        if found is None:
            raise PaymentNotFoundError(charge_id)
        return found

    def find(self, transaction: Transaction, request_id: str) -> RefundRequest:
        """The request with this id; raises RequestNotFoundError."""
        found = self._first(transaction, refund_requests.c.request_id == request_id)
        if found is None:
            raise RequestNotFoundError(request_id)
        return found

    def in_state(self, transaction: Transaction, state: RequestState | None, limit: int) -> list[RefundRequest]:
        """Requests that were sent, newest first."""
        chosen = refund_requests.c.state != RequestState.DRAFT.value
        if state is not None:
            chosen = refund_requests.c.state == state.value
        return self._select(transaction, (chosen,), limit)

    def _decide(
        self, transaction: Transaction, request: RefundRequest, payment: Payment, event_id: str, verdict: Verdict
    ) -> Concluded:
        values = {
            "state": verdict.state.value,
            "decided_by": verdict.by,
            "answer": verdict.answer,
            "decided_at": self._clock.now_us(),
        }
        this = refund_requests.c.request_id == request.request_id
        if not self._update(transaction, RequestState.OPEN, this, values):
            return Concluded(self.find(transaction, request.request_id), [])
        approved = verdict.state is RequestState.APPROVED
        refund = None
        if approved and payment.state is not PaymentState.REFUNDED:
            why = request.words or "the buyer asked"
            refund = self._refund_store.intend(
                transaction, payment.charge_id, why, verdict.by, not verdict.leaves_refund
            )
        kind = RefundRequestApproved if approved else RefundRequestRefused
        decided = about(kind, payment, event_id=self._new_event_id(), at_us=self._clock.now_us())
        event = replace(decided, by=verdict.by, answer=verdict.answer)
        publish(transaction, event)
        self._wake(transaction, event_id, (ANSWER_BUYER,))
        return Concluded(self.find(transaction, request.request_id), [event], refund)

    def _wake(self, transaction: Transaction, event_id: str, consumers: Sequence[str]) -> None:
        # Only those that the request was sent with; one that is under way starts again, because what it tells has changed.
        which = (jobs.c.bot_id == self._bot_id, jobs.c.event_id == event_id, jobs.c.consumer.in_(consumers))
        due = {"state": JobState.READY, "attempts": 0, "token": None, "run_at": DatabaseNow()}
        transaction.connection.execute(sa.update(jobs).where(*which).values(due))

    def _write_request(
        self, transaction: Transaction, charge_id: str, user_id: int, state: RequestState, words: str | None
    ) -> int:
        row = (self._bot_id, self._new_request_id(), charge_id, user_id, state.value, words, self._clock.now_us())
        return transaction.insert(_INSERT, row)

    def _update(
        self,
        transaction: Transaction,
        state: RequestState,
        which: sa.ColumnElement[bool],
        values: Mapping[str, object],
    ) -> int:
        in_state = (refund_requests.c.bot_id == self._bot_id, refund_requests.c.state == state.value, which)
        return transaction.connection.execute(sa.update(refund_requests).where(*in_state).values(values)).rowcount

    def _first(self, transaction: Transaction, *where: sa.ColumnElement[bool]) -> RefundRequest | None:
        found = self._select(transaction, where, 1)
        return found[0] if found else None

    def _select(
        self, transaction: Transaction, where: Sequence[sa.ColumnElement[bool]], limit: int
    ) -> list[RefundRequest]:
        newest_first = (refund_requests.c.requested_at.desc(), refund_requests.c.request_id)
        query = sa.select(refund_requests).where(refund_requests.c.bot_id == self._bot_id, *where)
        rows = transaction.connection.execute(query.order_by(*newest_first).limit(limit)).mappings().all()
        return [RefundRequest(**{**row, "state": RequestState(row["state"])}) for row in rows]
