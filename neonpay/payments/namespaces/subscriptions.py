"""``neonpay.subscriptions``: paid periods that Telegram renews."""

from __future__ import annotations

from neonpay.core.charge_ids import charge_key
from neonpay.core.namespaces import M, verb
from neonpay.core.payers import whole_id
from neonpay.core.payments import Payment
from neonpay.core.subscriptions import ActiveSubscription
from neonpay.payments.namespaces.asked import named
from neonpay.payments.namespaces.served import Served


class Subscriptions(Served[M], path="subscriptions"):
    """Who has one, ending what renews itself, and allowing it again."""

    @verb
    async def active(self, user_id: int, *, stage_id: str | None = None) -> ActiveSubscription | None:
        """The subscription of a user that is paid for now, or None; of several, the one whose period ends last.

        A renewal counts from the moment in which it is recorded, and a refund of the period ends it. The clock is the
        database's.

        Args:
            stage_id: only of this stage.
        """
        whose, wanted = whole_id("user_id", user_id), named("stage_id", stage_id)
        pipeline = await self._opened()
        return await pipeline.subscriptions.active(whose, wanted)

    @verb
    async def cancel(self, charge_id: str) -> Payment:
        """Have a subscription end with its paid period; its buyer cannot take it up again until ``allow``.

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
        pipeline = await self._opened()
        return await pipeline.subscriptions.edit(charge_key(charge_id), is_canceled=True)

    @verb
    async def allow(self, charge_id: str) -> Payment:
        """Let the buyer of a subscription that ``cancel`` has ended take it up again.

        It stays cancelled until the buyer does; ``subscription_restored`` tells of that. Arguments and errors are the same.
        """
        pipeline = await self._opened()
        return await pipeline.subscriptions.edit(charge_key(charge_id), is_canceled=False)
