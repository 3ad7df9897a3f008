"""Subscriptions: paid periods that Telegram renews."""

from __future__ import annotations

from neonpay.app.base import Application
from neonpay.core.charge_ids import charge_key
from neonpay.core.payments import Payment


class Subscribing(Application):
    """Ending what renews itself, and allowing it again."""

    async def cancel_subscription(self, charge_id: str) -> Payment:
        """Have a subscription end with its paid period; its buyer cannot take it up again until ``allow_subscription``.

        One that is cancelled already stays so. What was paid is not refunded.

        Args:
            charge_id: of any of its payments.

        Returns:
            The first payment of the subscription.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            PaymentError: it is no payment of a subscription, or the ledger does not have the first one.
            TelegramError: Telegram refused; nothing was changed.
            TelegramUnreachableError: no answer; it may have been cancelled, and asking again is safe.
        """
        await self.setup()
        return await self._pipeline.subscriptions.edit(charge_key(charge_id), is_canceled=True)

    async def allow_subscription(self, charge_id: str) -> Payment:
        """Let the buyer of a subscription that ``cancel_subscription`` has ended take it up again.

        It stays cancelled until the buyer does; ``subscription_restored`` tells of that. Arguments and errors are the same.
        """
        await self.setup()
        return await self._pipeline.subscriptions.edit(charge_key(charge_id), is_canceled=False)
