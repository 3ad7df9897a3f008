"""The service messages that tell a bot and its payer of a payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neonpay.core.limits import CURRENCY
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.money.cards import CardPayment
    from neonpay.simulator.money.till import Payment, Till


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """The period of a subscription that a payment is for.

    Attributes:
        expires_at_s: its end, Unix time.
        is_first: whether the subscription begins with it.
    """

    expires_at_s: int
    is_first: bool


class Receipts:
    """Writes ``successful_payment`` into chats and tells bots of it."""

    def __init__(
        self, chats: Chats, till: Till, tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object]
    ) -> None:
        self._chats = chats
        self._till = till
        self._tell = tell

    def write(self, bot: BotAccount, payer: UserAccount, payment: Payment, period: PaidPeriod | None = None) -> None:
        """Tell of a payment, which for a subscription is of one period; flags are there only when true (SRV)."""
        paid: dict[str, object] = {
            "currency": CURRENCY,
            "total_amount": payment.amount,
            "invoice_payload": payment.payload,
            "telegram_payment_charge_id": payment.charge_id,
            "provider_payment_charge_id": f"{payer.id}_{len(self._till.payments(bot))}",
        }
        if period is not None:
            paid |= {"subscription_expiration_date": period.expires_at_s, "is_recurring": True}
            if period.is_first:
                paid["is_first_recurring"] = True
        self._post(bot, payer, paid)

    def write_card(self, bot: BotAccount, payer: UserAccount, payment: CardPayment) -> None:
        """Tell of a payment in another currency than Stars."""
        paid: dict[str, object] = {
            "currency": payment.currency,
            "total_amount": payment.amount,
            "invoice_payload": payment.payload,
            "telegram_payment_charge_id": payment.charge_id,
            "provider_payment_charge_id": payment.provider_charge_id,
        }
        self._post(bot, payer, paid)

    def _post(self, bot: BotAccount, payer: UserAccount, paid: dict[str, object]) -> None:
        post = self._chats.post(self._chats.between(bot, payer), {"successful_payment": paid}, by_bot=False)
        self._tell(bot, "message", dump(post.message), (payer.id, "message"))
