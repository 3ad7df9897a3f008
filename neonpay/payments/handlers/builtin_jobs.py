"""Jobs of neonpay's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from neonpay.core.payments import Payment
from neonpay.payments.handlers.context import PaymentContext

BuiltinJob = Callable[[Payment, PaymentContext], Awaitable[None]]
"""A job of neonpay's own that is done when it returns, such as the thank-you message."""


class MessageRefused(Exception):  # noqa: N818  # no fault: whoever it was for cannot be told
    """Raised by a job whose message nobody will ever get: the bot is blocked, the account is gone, or there is no such chat."""


class PutOff(Exception):  # noqa: N818  # no fault: it is not the time for it
    """Raised by a job that has done nothing yet and wants to be run again in ``delay_s`` seconds."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        super().__init__(f"again in {delay_s:.1f} s")
