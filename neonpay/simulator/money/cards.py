"""Payments in other currencies, as a test provider takes them: nobody's Stars move, and no list of transactions has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.clock import SteppedClock


@dataclass(frozen=True, slots=True)
class CardPayment:
    """One payment by card.

    Attributes:
        charge_id: Telegram's id of it; it is no id of a charge of Stars, so refundStarPayment does not know it.
        provider_charge_id: the id that the payment provider has for it.
        amount: in the smallest unit of the currency.
        payload: the invoice's.
        paid_at: virtual UTC time.
    """

    charge_id: str
    provider_charge_id: str
    bot_id: int
    user_id: int
    amount: int
    currency: str
    payload: str = field(repr=False)
    paid_at: datetime


class Cards:
    """What the test providers of all bots have taken."""

    def __init__(self, clock: SteppedClock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._payments: dict[int, list[CardPayment]] = {}

    def payments(self, bot: BotAccount) -> list[CardPayment]:
        """Every payment by card for this bot, oldest first."""
        return list(self._payments.get(bot.id, ()))

    def take(self, bot: BotAccount, payer: UserAccount, invoice: Invoice) -> CardPayment:
        """Take the price of an invoice; a test card always has enough."""
        taken = self._payments.setdefault(bot.id, [])
        # Four numbers joined like this have been seen live in 2022, DenisPopov15/telegram-bot-demo-test (read 2026-11-28).
        # UNVERIFIED: what they are, but for the bot's and the payer's ids. A provider's ids are its own.
        charge_id = f"{bot.id}_{payer.id}_{len(taken) + 1}_{self._random.randrange(10**18, 2**63)}"
        provider_charge_id = f"test_{self._random.randbytes(12).hex()}"
        payment = CardPayment(
            charge_id, provider_charge_id, bot.id, payer.id, invoice.amount, invoice.currency, invoice.payload,
            self._clock.moment(),
        )  # fmt: skip
        taken.append(payment)
        return payment
