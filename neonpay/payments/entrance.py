"""Where facts come in: from the bot's updates, and from Telegram's list of transactions."""

from __future__ import annotations

import logging
from typing import Protocol

from neonpay.core.clock import stopwatch_s
from neonpay.core.fitting import fit_change, fit_charge, fit_notice
from neonpay.core.log_lines import (
    PAYMENT_NEEDS_ATTENTION,
    PAYMENT_RECORDED,
    PAYMENT_REFUNDED,
    PAYMENT_UNCLAIMED,
)
from neonpay.core.payload import is_ours
from neonpay.core.payments import Attention, Charge, Payment, PaymentState, RefundNotice, Source
from neonpay.core.subscriptions import SubscriptionChange
from neonpay.errors import LedgerError
from neonpay.payments.announcing import Announcing
from neonpay.payments.consumers.selection import ConsumerSelection
from neonpay.payments.delivery.fulfilment import Fulfilment
from neonpay.payments.recording.intake import Intake
from neonpay.payments.recording.recorder import recorded_event
from neonpay.payments.recording.standing import Arrival
from neonpay.payments.refunds.service import RefundService
from neonpay.payments.signing import Signing
from neonpay.payments.subscriptions import SubscriptionService
from neonpay.store.ids import new_event_id
from neonpay.store.people import People

logger = logging.getLogger("neonpay.payments")


class Readiness(Protocol):
    """Whether a shop is open, and what opens it."""

    @property
    def is_ready(self) -> bool:
        """Whether everything has begun, and what the program has registered is declared."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether something can be recorded."""
        ...

    async def get_ready(self) -> None:
        """Open what is not open and declare what is not declared."""
        ...


class Entrance:
    """Takes the facts of one bot."""

    def __init__(
        self,
        readiness: Readiness,
        signing: Signing,
        intake: Intake,
        fulfilment: Fulfilment,
        plan: ConsumerSelection,
        announcing: Announcing,
        *,
        refunds: RefundService,
        subscriptions: SubscriptionService,
        people: People,
    ) -> None:
        self._readiness = readiness
        self._signing = signing
        self._intake = intake
        self._fulfilment = fulfilment
        self._plan = plan
        self._announcing = announcing
        self._refunds = refunds
        self._subscriptions = subscriptions
        self._people = people

    async def charged(self, charge: Charge) -> Payment | None:
        """Record a charge and start its handlers; the payment, or None when the ledger had it already.

        Raises:
            LedgerError: the charge could not be recorded within ``patience_s``; Telegram's list of transactions has it.
        """
        if not self._readiness.is_ready:
            await self._get_ready()
        began_s = stopwatch_s()
        charge = fit_charge(charge)
        ref = await self._signing.read(charge.payload)
        take = self._fulfilment.reserve()
        try:
            recorded = await self._intake.record(Arrival(charge=charge, ref=ref, event_id=new_event_id(), take=take))
        finally:
            if take:
                self._fulfilment.unreserve()
            else:
                self._fulfilment.changed.set()
        if recorded is None:
            return None
        payment = recorded.payment
        self._people.saw(charge.user_id, charge.sender)
        if PAYMENT_RECORDED.is_on:
            PAYMENT_RECORDED.tell(payment, began_s=began_s, state=payment.state.value, source=payment.source.value)
        for job in recorded.jobs:
            self._fulfilment.start(job)
        if self._announcing.is_heard:
            self._announcing.pass_on(recorded_event(recorded))
        for event in recorded.events:
            self._announcing.announce(event)
        if payment.state is not PaymentState.ACCEPTED:
            _tell_of_trouble(payment, began_s)
        elif not recorded.jobs and not self._plan.delivers(payment.stage_id):
            PAYMENT_UNCLAIMED.tell(payment)
        return payment

    async def refunded(self, notice: RefundNotice) -> None:
        """Record a refund that Telegram tells of; one of an invoice of the host's own by an update is the host's business."""
        if notice.source is Source.UPDATE and not is_ours(notice.payload):
            return
        await self._get_ready()
        notice = fit_notice(notice)
        ref = await self._signing.read(notice.payload)
        await self._refunds.record_from_outside(notice, None if ref is None else ref.invoice_id)

    async def subscription_changed(self, change: SubscriptionChange) -> None:
        """Record what Telegram tells of a subscription; one with a payload that does not verify is nobody's."""
        await self._get_ready()
        change = fit_change(change)
        ref = await self._signing.read(change.payload)
        if ref is None:
            logger.warning("Telegram tells of a subscription of user %d that was not made here", change.user_id)
            return
        await self._subscriptions.note(change, ref)

    async def _get_ready(self) -> None:
        """What keeps a shop from its work keeps no fact from its books.

        Raises:
            LedgerError: nothing can be recorded now.
        """
        try:
            await self._readiness.get_ready()
        except LedgerError:
            raise
        except Exception:
            if not self._readiness.is_open:
                raise
            logger.exception("the shop is not in order; what arrives is recorded all the same")


def _tell_of_trouble(payment: Payment, began_s: float) -> None:
    if payment.state is PaymentState.REFUNDED:
        PAYMENT_REFUNDED.tell(payment, began_s=began_s)
    elif payment.attention is not None and payment.attention is not Attention.OTHER_LEDGER:
        # Of those that another ledger has sold, whoever compares tells in one line.
        PAYMENT_NEEDS_ATTENTION.tell(payment, reason=payment.attention.value)
