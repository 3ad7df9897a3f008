"""Who takes part in delivering a payment."""

from __future__ import annotations

from collections.abc import Sequence

from neonpay.core.payments import PaymentState
from neonpay.payments.handlers import Handler, HandlerRegistry

PLAN = "neonpay:plan"
"""The job that gives a payment its other jobs, left by a program that has no handlers for one that has."""
REFUND = "neonpay:refund"
"""The job that sends Stars back."""
THANK_YOU = "neonpay:thank_you"
"""The job that thanks the buyer."""


class Plan:
    """Which jobs a payment gets.

    Args:
        handlers: the payment handlers of this program; None for a tool that works on the ledger of a bot that has some.
        thanks: whether buyers are thanked.
    """

    def __init__(self, handlers: HandlerRegistry | None, *, thanks: bool) -> None:
        self._handlers = handlers
        self._thanks = thanks

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

    def delivers(self, stage_id: str | None) -> bool:
        """Whether somebody takes payments of this stage."""
        return bool(self.consumers(PaymentState.ACCEPTED, stage_id))


def consumer_name(consumer: Handler | str) -> str:
    """What jobs call a consumer."""
    return consumer if isinstance(consumer, str) else consumer.consumer
