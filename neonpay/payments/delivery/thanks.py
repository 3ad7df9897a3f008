"""The message that thanks a buyer."""

from __future__ import annotations

from neonpay.core.payments import Payment
from neonpay.payments.delivery.telling import Teller
from neonpay.payments.handlers.context import PaymentContext


class Thanks:
    """Thanks the buyers of one bot.

    Args:
        text: what they read.
    """

    def __init__(self, teller: Teller, text: str) -> None:
        self._teller = teller
        self._text = text

    async def send(self, payment: Payment, context: PaymentContext) -> None:
        """The job of one payment; raises as ``Teller.tell``."""

        async def say() -> None:
            await self._teller.tell(payment.user_id, {"text": self._text}, about=payment)

        await context.step("send", say)
