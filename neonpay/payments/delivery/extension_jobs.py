"""Jobs of extensions: a subscriber is told of an event, and a payment is settled that could not be settled at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event, FulfilmentAbandoned, event_names
from neonpay.core.job_states import JobState
from neonpay.core.log_lines import SUBSCRIBER_ABANDONED, SUBSCRIBER_FAILED
from neonpay.core.payments import PaymentState
from neonpay.core.retrying import RetryPolicy
from neonpay.errors import LeaseLostError, ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.consumers.event_kinds import is_named_elsewhere
from neonpay.payments.consumers.selection import SETTLE
from neonpay.payments.extending.lending import lend
from neonpay.payments.extending.settling import settle_with
from neonpay.payments.extension import Extension, Settlement, Subscriber
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.foreign_code import held, words_of
from neonpay.payments.handlers.builtin_jobs import PutOff
from neonpay.payments.handlers.call import ended_elsewhere
from neonpay.payments.jobs import end_job, finish, is_left, put_off
from neonpay.payments.jobs_together import finish_all
from neonpay.payments.refunds.runner import JobRunner
from neonpay.payments.refunds.store import Change, RefundStore
from neonpay.store.entries import find_event, publish
from neonpay.store.job_rows import Job, SelfFinishingJob
from neonpay.store.once import Once

_SETTLE_ATTEMPTS = 20
_LEFT_AT_LEAST_S = 2.0
_LEFT_AT_MOST_S = 60.0
"""For so long a job is left to another program before anybody looks at it again: for half the age of its event within these
limits, as the other program may be away, and a crowd of jobs would be passed over again and again."""


class _Settled(NamedTuple):
    published: Sequence[Event]
    refund: Change | None = None


class ExtensionJobs:
    """Runs the jobs of the extensions that this program uses; what fails is tried again, and is a dead letter at last."""

    def __init__(
        self,
        ledger: Ledger,
        apart: Ledger,
        runner: JobRunner,
        refund_store: RefundStore,
        *,
        bot_id: int,
        clock: Clock,
        retries: RetryPolicy,
        new_event_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._apart = apart
        self._runner = runner
        self._refund_store = refund_store
        self._bot_id = bot_id
        self._clock = clock
        self._retries = retries
        self._new_event_id = new_event_id

    def take_up(self, extensions: Extensions) -> None:
        """Run the jobs of these extensions from now on; safe to call again when there are more."""
        for extension in extensions.having("settle"):
            settler = self._settler(extension)
            self._runner.add_self_finishing(f"{SETTLE}{extension.name}", settler, max_attempts=_SETTLE_ATTEMPTS)
        for consumer, subscriber in extensions.subscribers().items():
            most = subscriber.max_attempts
            self._runner.add_self_finishing(consumer, self._teller(subscriber), max_attempts=most)

    def _teller(self, subscriber: Subscriber) -> SelfFinishingJob:
        async def tell(job: Job) -> None:
            event = await self._ledger.read(find_event, job.bot_id, job.event_id)
            try:
                if event.name in subscriber.events:
                    await held(subscriber.run(event))
                else:
                    await self._leave(job, event)
            except LeaseLostError:
                ended_elsewhere(job)
            except PutOff as later:
                await self._ledger.run(put_off, job, later.delay_s)
            except Exception as exc:  # noqa: BLE001  # subscribers are isolated: a fault of one is kept, and it is told again later
                await self._failed(job, event, exc, subscriber.max_attempts)
            else:
                if not await self._ledger.run_each(finish_all, job):
                    ended_elsewhere(job)

        return tell

    async def _leave(self, job: Job, event: Event) -> None:
        """Leave an event to the program that names its kind; return where none does any more, since nobody wants it then."""
        if event.name not in event_names():
            msg = "this program knows no such kind of event; import the module that has it before the bot starts"
            raise ValidationError("event", job.event_id, msg)
        if await self._ledger.read(is_named_elsewhere, job.bot_id, job.consumer, event.name):
            age_s = (moment(self._clock.now_us()) - event.at).total_seconds()
            raise PutOff(left_for_s(age_s))

    def _settler(self, extension: Extension) -> SelfFinishingJob:
        async def settle(job: Job) -> None:
            unit = self._refund_store.once(job.of_charge, self._settle)
            try:
                settled = await self._apart.run(unit, job, extension)
            except LeaseLostError:
                ended_elsewhere(job)
            except Exception as exc:  # noqa: BLE001  # an extension's fault is kept, and it is asked again later
                event = await self._ledger.read(find_event, job.bot_id, job.event_id)
                await self._failed(job, event, exc, _SETTLE_ATTEMPTS)
            else:
                self._runner.announce(settled.published)
                if settled.refund is not None:
                    self._runner.follow(settled.refund)

        return settle

    def _settle(self, transaction: Transaction, job: Job, extension: Extension) -> _Settled:
        payment, event_id = self._refund_store.lock(transaction, job.of_charge)
        if not is_left(transaction, job):
            return _Settled(())
        now = [Settlement(payment=payment, event_id=event_id)]
        sent_back, published = lend(transaction, extension, lambda lent: settle_with(extension, lent, now))
        finish(transaction, job)
        words = sent_back.get(payment.charge_id)
        if words is None or payment.state is not PaymentState.ACCEPTED:
            return _Settled(published)
        asked = (payment.charge_id, words, f"{SETTLE}{extension.name}", True)
        return _Settled(published, self._refund_store.intend(transaction, *asked))

    async def _failed(self, job: Job, event: Event, error: Exception, max_attempts: int) -> None:
        is_last = job.attempts >= max_attempts
        delay_s = self._retries.pause_s(job.attempts)
        (SUBSCRIBER_ABANDONED if is_last else SUBSCRIBER_FAILED).tell(
            event,
            error=error,
            handler=job.consumer,
            attempt=job.attempts,
            max_attempts=max_attempts,
            retry_in_s=None if is_last else round(delay_s, 1),
        )
        reason = words_of(error)

        def unit(transaction: Transaction) -> list[Event]:
            state = JobState.DEAD if is_last else JobState.READY
            ended = end_job(transaction, job, state, error=reason, delay_s=delay_s)
            # Nothing is told of what failed while telling of a dead letter; that would go on for ever.
            if not (ended and is_last) or isinstance(event, FulfilmentAbandoned):
                return []
            fact = FulfilmentAbandoned(
                bot_id=self._bot_id,
                event_id=self._new_event_id(),
                at=moment(self._clock.now_us()),
                user_id=event.user_id,
                charge_id=event.charge_id,
                reason=reason,
                handler=job.consumer,
            )
            publish(transaction, fact)
            return [fact]

        self._runner.announce(await self._ledger.run(Once(self._bot_id, unit)))
        self._runner.changed.set()


def left_for_s(age_s: float) -> float:
    """For how long an event of this age is left to another program: the older it is the longer, up to a minute."""
    return min(max(_LEFT_AT_LEAST_S, age_s / 2), _LEFT_AT_MOST_S)
