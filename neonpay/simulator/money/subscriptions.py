"""Subscriptions that bots sell by link: their renewals, cancellations and ends.

What is known is on https://core.telegram.org/api/subscriptions and at the Bot API's ``BotSubscriptionUpdated`` and
``editUserStarSubscription`` (read 2026-11-21): a subscription renews itself at its end from the person's balance, without a
pre-checkout query; a person who cancels it keeps it to the end of the paid period; one that a bot has cancelled cannot be
taken up again until the bot allows it; one that could not be paid has expired and is extended when the balance is filled up.
No update tells of an end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.money.receipts import PaidPeriod
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.clock import SteppedClock, Timer
    from neonpay.simulator.money.receipts import Receipts
    from neonpay.simulator.money.till import Payment, Till

SubscriptionState = Literal["active", "canceled", "failed", "ended"]
"""``canceled`` is paid for and does not renew; ``failed`` has expired and renews when the balance allows; ``ended`` is over."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One person's subscription; it changes as time passes.

    Attributes:
        charge_ids: of its payments; the first one names the subscription to the bot.
        expires_at: end of the period that is paid for, virtual UTC time.
        canceled: it does not renew, by the person's will or the bot's.
        bot_canceled: and the bot does not let the person take it up again.
        missing_balance: it has expired because the person had too few Stars.
        ended: nothing brings it back; the link can be paid anew.
    """

    bot_id: int
    user_id: int
    invoice: Invoice = field(repr=False)
    charge_ids: list[str] = field(repr=False)
    expires_at: datetime
    canceled: bool = False
    bot_canceled: bool = False
    missing_balance: bool = False
    ended: bool = False

    @property
    def charge_id(self) -> str:
        """Of the first payment."""
        return self.charge_ids[0]

    @property
    def payload(self) -> str:
        """The invoice's."""
        return self.invoice.payload

    @property
    def amount_stars(self) -> int:
        """Price of one period."""
        return self.invoice.amount_stars

    @property
    def period_s(self) -> int:
        """Length of one period."""
        return self.invoice.subscription_period_s

    @property
    def state(self) -> SubscriptionState:
        """Where it stands now."""
        if self.ended:
            return "ended"
        if self.missing_balance:
            return "failed"
        return "canceled" if self.canceled else "active"


class Subscriptions:
    """Every subscription to every bot."""

    def __init__(
        self,
        accounts: Accounts,
        till: Till,
        clock: SteppedClock,
        receipts: Receipts,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
    ) -> None:
        self._accounts = accounts
        self._till = till
        self._clock = clock
        self._receipts = receipts
        self._tell = tell
        self._all: list[Subscription] = []
        self._timers: dict[str, Timer] = {}

    def to(self, bot: BotAccount, *, user_id: int | None = None) -> list[Subscription]:
        """Subscriptions to a bot, of one person or of everybody, oldest first, ended ones too."""
        return [one for one in self._all if one.bot_id == bot.id and user_id in {None, one.user_id}]

    def of(self, user: UserAccount, named: Subscription | BotAccount | str) -> Subscription:
        """The subscription that a person means: itself, a charge id of it, or a bot whose only one it is that has not ended.

        Raises:
            SimulatorError: there is none, or there are several.
        """
        if isinstance(named, Subscription):
            found = [named] if named.user_id == user.id else []
        elif isinstance(named, str):
            found = [one for one in self._all if one.user_id == user.id and named in one.charge_ids]
        else:
            found = [one for one in self.to(named, user_id=user.id) if not one.ended]
        if len(found) != 1:
            raise SimulatorError(
                f"{user.first_name} has {len(found)} such subscriptions; give the subscription, or its charge id"
            )
        return found[0]

    def begin(self, bot: BotAccount, payer: UserAccount, invoice: Invoice, payment: Payment) -> Subscription:
        """Start a subscription with its first payment; one person may have several at once (API, createInvoiceLink)."""
        subscription = Subscription(bot.id, payer.id, invoice, [payment.charge_id], self._end_of_period(invoice))
        self._all.append(subscription)
        self._tell_of_payment(subscription, payment, is_first=True)
        return subscription

    def cancel(self, subscription: Subscription) -> None:
        """The person ends the renewals; what is paid for stays.

        Raises:
            SimulatorError: they are ended already.
        """
        if subscription.canceled or subscription.ended:
            raise SimulatorError(f"this subscription is {subscription.state} already")
        subscription.canceled = True
        if subscription.missing_balance:  # its period is over
            self._end(subscription)
        self._tell_state(subscription, "canceled")

    def restore(self, subscription: Subscription) -> None:
        """The person takes a cancelled subscription up again; it costs nothing before its period is over.

        Raises:
            SimulatorError: it is not cancelled, has ended, or the bot does not allow it.
        """
        if subscription.ended:
            raise SimulatorError("this subscription is over; pay its link again")
        if subscription.bot_canceled:
            raise SimulatorError("the bot has cancelled this subscription; it has to allow its restoration first")
        if not subscription.canceled:
            raise SimulatorError(f"this subscription is not cancelled: it is {subscription.state}")
        subscription.canceled = False
        self._tell_state(subscription, "active")

    def edit(self, bot: BotAccount, user_id: int, charge_id: str, *, is_canceled: bool) -> None:
        """The bot ends the renewals, or lets the person take them up again, who then has to do so.

        No update tells the bot of what it did itself (API: canceled "if the user canceled the subscription").

        Raises:
            Refusal: nothing has changed.
        """
        if user_id not in self._accounts.users:
            raise bad_request("USER_ID_INVALID")  # ERR
        # The id is that of the first payment (https://core.telegram.org/method/payments.botCancelStarsSubscription).
        found = [one for one in self.to(bot, user_id=user_id) if one.charge_id == charge_id]
        if not found:
            raise bad_request("CHARGE_ID_INVALID")  # ERR
        (subscription,) = found
        if subscription.ended or subscription.missing_balance:
            # Public bots expect this word (read 2026-11-21). UNVERIFIED: for which of the two, and whether in both directions.
            raise bad_request("SUBSCRIPTION_NOT_ACTIVE")
        if subscription.bot_canceled == is_canceled:
            raise bad_request("SUBSCRIPTION_NOT_MODIFIED")  # the same; they take it for "cancelled before"
        subscription.bot_canceled = is_canceled
        subscription.canceled |= is_canceled

    def extend_failed(self, payer: UserAccount) -> None:
        """Renew what had expired for want of Stars, after the balance was filled up, oldest first.

        UNVERIFIED: Telegram says that it does so "soon" (https://core.telegram.org/constructor/payments.starsStatus), not when,
        nor for how long it waits for Stars; here it renews at once, and waits without end.
        UNVERIFIED: the new period begins with the payment, not at the end of the old one.
        """
        for subscription in [one for one in self._all if one.user_id == payer.id and one.state == "failed"]:
            if payer.balance_stars >= subscription.amount_stars:
                self._renew(subscription)

    def _fall_due(self, subscription: Subscription) -> None:
        if subscription.canceled:
            self._end(subscription)
        elif self._accounts.users[subscription.user_id].balance_stars >= subscription.amount_stars:
            self._renew(subscription)
        else:
            subscription.missing_balance = True
            self._tell_state(subscription, "failed")

    def _renew(self, subscription: Subscription) -> None:
        bot, payer = self._sides(subscription)
        payment = self._till.take(bot, payer, subscription.invoice)
        subscription.charge_ids.append(payment.charge_id)
        subscription.missing_balance = False
        subscription.expires_at = self._end_of_period(subscription.invoice)
        self._tell_of_payment(subscription, payment, is_first=False)

    def _end(self, subscription: Subscription) -> None:
        subscription.ended = True
        timer = self._timers.pop(subscription.charge_id, None)
        if timer is not None:
            timer.cancel()

    def _end_of_period(self, invoice: Invoice) -> datetime:
        return datetime.fromtimestamp(int(self._clock.now()) + invoice.subscription_period_s, UTC)

    def _tell_of_payment(self, subscription: Subscription, payment: Payment, *, is_first: bool) -> None:
        bot, payer = self._sides(subscription)
        ends_at_s = int(subscription.expires_at.timestamp())
        what = f"end of the period of {payer.first_name}'s subscription to {bot.username}"
        self._timers[subscription.charge_id] = self._clock.call_at(
            ends_at_s, lambda: self._fall_due(subscription), what=what
        )
        self._receipts.write(bot, payer, payment, PaidPeriod(ends_at_s, is_first))

    def _tell_state(self, subscription: Subscription, state: Literal["canceled", "active", "failed"]) -> None:
        bot, payer = self._sides(subscription)
        change = build(
            types.BotSubscriptionUpdated, user=payer.as_user, invoice_payload=subscription.payload, state=state
        )
        self._tell(bot, "subscription", dump(change), (payer.id, "subscription"))

    def _sides(self, subscription: Subscription) -> tuple[BotAccount, UserAccount]:
        return self._accounts.bots[subscription.bot_id], self._accounts.users[subscription.user_id]
