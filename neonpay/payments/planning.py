"""Who takes part in delivering a payment."""

from __future__ import annotations

from collections.abc import Sequence

from neonpay.core.payments import PaymentState
from neonpay.payments.handlers import Handler, HandlerRegistry

PLAN = "neonpay:plan"
"""The job that gives a payment its other jobs, left by a program that has no handlers for one that has."""
PLAN_REFUND = "neonpay:plan_refund"
"""The job that gives a refunded payment the jobs that revoke what it granted, left by a program that has no handlers."""
REFUND = "neonpay:refund"
"""The job that sends Stars back."""
REFUND_REQUEST = "neonpay:refund_request"
"""The job that decides on a buyer's request for a refund, or leaves it to a person."""
ASK_ADMINS = "neonpay:ask_admins"
"""The job that shows the shop's people a request that waits for them."""
ANSWER_BUYER = "neonpay:answer_buyer"
"""The job that tells a buyer what has become of their request."""
THANK_YOU = "neonpay:thank_you"
"""The job that thanks the buyer."""


class Plan:
    """Which jobs a payment gets.

    Args:
        handlers: the payment handlers of this program; None for a tool that works on the ledger of a bot that has some.
        revokers: the refund handlers of this program; None for one that has none.
        thanks: whether buyers are thanked.
    """

    def __init__(
        self, handlers: HandlerRegistry | None, *, thanks: bool, revokers: HandlerRegistry | None = None
    ) -> None:
        self._handlers = handlers
        self._revokers = revokers
        self._thanks = thanks

    @property
    def is_carried_out_here(self) -> bool:
        """Whether this program has the handlers, so that it can take up what a tool has left."""
        return self._handlers is not None

    def consumers(self, state: PaymentState, stage_id: str | None) -> Sequence[Handler | str]:
        """The handlers, or the names of neonpay's own jobs, of a payment in this state; empty when nobody would deliver it."""
        if state is PaymentState.REFUND_DUE:
            return (REFUND,)
        if state is not PaymentState.ACCEPTED:
            return ()
        if self._handlers is None:
            return (PLAN,)
        handlers = self._handlers.for_stage(stage_id)
        return [*handlers, THANK_YOU] if handlers and self._thanks else handlers

    def after_refund(self, stage_id: str | None) -> Sequence[Handler | str]:
        """Who revokes what a payment of this stage has granted."""
        if self._handlers is None:
            return (PLAN_REFUND,)
        return () if self._revokers is None else self._revokers.for_stage(stage_id)

    def delivers(self, stage_id: str | None) -> bool:
        """Whether somebody takes payments of this stage."""
        return bool(self.consumers(PaymentState.ACCEPTED, stage_id))


def consumer_name(consumer: Handler | str) -> str:
    """What jobs call a consumer."""
    return consumer if isinstance(consumer, str) else consumer.consumer
