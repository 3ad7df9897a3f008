"""One payment from the press of Pay to the moved Stars, or to the money that a test provider has taken."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from aiogram import types

from neonpay.core.limits import CURRENCY, INVOICE_FORM_TTL_S, PRE_CHECKOUT_DEADLINE_S
from neonpay.errors import SimulatorError
from neonpay.simulator.bell import PATIENCE_S
from neonpay.simulator.chats.currencies import stars_of
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from neonpay.simulator.bell import Bell
    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.clock import SteppedClock, Timer
    from neonpay.simulator.money.cards import Cards
    from neonpay.simulator.money.receipts import Receipts
    from neonpay.simulator.money.subscriptions import Subscriptions
    from neonpay.simulator.money.till import Till

BEGUN_MAX: Final = 10_000
"""Presses of Pay remembered."""
OutcomeStatus = Literal["paid", "declined", "timed_out", "balance_too_low", "form_expired"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a payment ended, as the payer sees it.

    Attributes:
        status: ``paid`` moved the Stars or the money; nothing else did.
        reason: the bot's error_message, or the code that a client shows, such as ``BOT_PRECHECKOUT_TIMEOUT``.
        charge_id: Telegram's id of the money, when paid.
        amount: what the invoice asks for, in the smallest unit of the currency; whole Stars for XTR.
        query_id: id of the pre-checkout query; None when none was sent.
    """

    status: OutcomeStatus
    reason: str | None
    charge_id: str | None
    amount: int
    query_id: str | None
    currency: str = CURRENCY

    @property
    def amount_stars(self) -> int:
        """Stars that the invoice asks for; 0 in another currency."""
        return stars_of(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class InvoiceForm:
    """An invoice as opened by one person, who may now pay it; it is good for ten minutes.

    Attributes:
        opened_at: virtual Unix time.
        amount: in the smallest unit of the currency; whole Stars for XTR.
    """

    invoice: Invoice = field(repr=False)
    user_id: int
    opened_at: float
    title: str
    description: str
    amount: int
    photo_url: str = ""
    currency: str = CURRENCY

    @property
    def amount_stars(self) -> int:
        """Stars that are asked for; 0 in another currency."""
        return stars_of(self.amount, self.currency)


@dataclass(slots=True, eq=False)
class Checkout:
    """A payment that waits for the bot's word.

    Attributes:
        query_id: id of the pre-checkout query; None when Telegram refused before asking the bot.
        result: how it ended; None while it has not.
        by_hand: a person answered in the bot's place, through the control API.
    """

    bot: BotAccount = field(repr=False)
    payer: UserAccount = field(repr=False)
    invoice: Invoice = field(repr=False)
    bell: Bell = field(repr=False)
    query_id: str | None = None
    result: Outcome | None = None
    deadline: Timer | None = field(default=None, repr=False)
    by_hand: bool = False

    async def outcome(self, *, timeout_s: float = PATIENCE_S) -> Outcome:
        """How it ended, waited for.

        Args:
            timeout_s: real seconds.

        Raises:
            SimulatorTimeoutError: the bot has not answered and the deadline, which is virtual time, has not come.
        """
        what = "an answer to the pre-checkout query (no bot answers; advance(10) lets its deadline pass)"
        return await self.bell.wait_for(lambda: self.result, timeout_s=timeout_s, what=what)

    def end(self, status: OutcomeStatus, reason: str | None = None, charge_id: str | None = None) -> None:
        """Settle it."""
        if self.deadline is not None:
            self.deadline.cancel()
        invoice = self.invoice
        self.result = Outcome(status, reason, charge_id, invoice.amount, self.query_id, invoice.currency)
        self.bell.ring()


class Checkouts:
    """Payments under way.

    Attributes:
        begun: every press of Pay, oldest first; the oldest are forgotten after many.
    """

    def __init__(
        self,
        accounts: Accounts,
        chats: Chats,
        till: Till,
        clock: SteppedClock,
        random: Random,
        bell: Bell,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
        *,
        cards: Cards,
        receipts: Receipts,
        subscriptions: Subscriptions,
    ) -> None:
        self._accounts = accounts
        self._chats = chats
        self._till = till
        self._clock = clock
        self._random = random
        self._bell = bell
        self._tell = tell
        self._cards = cards
        self._receipts = receipts
        self._subscriptions = subscriptions
        self._waiting: dict[str, Checkout] = {}
        self.begun: deque[Checkout] = deque(maxlen=BEGUN_MAX)

    def open_form(self, payer: UserAccount, invoice: Invoice) -> InvoiceForm:
        """Show the payment sheet of an invoice."""
        return InvoiceForm(
            invoice,
            payer.id,
            self._clock.now(),
            invoice.title,
            invoice.description,
            invoice.amount,
            invoice.photo_url,
            invoice.currency,
        )

    def begin(self, payer: UserAccount, form: InvoiceForm) -> Checkout:
        """Press Pay: ask the bot, unless Telegram refuses before that.

        Raises:
            SimulatorError: the form is somebody else's.
        """
        invoice = form.invoice
        if form.user_id != payer.id:
            raise SimulatorError(f"the form was opened by user {form.user_id}; {payer.first_name} has to open one")
        checkout = Checkout(self._accounts.bots[invoice.bot_id], payer, invoice, self._bell)
        self.begun.append(checkout)
        if self._clock.now() - form.opened_at > INVOICE_FORM_TTL_S:
            checkout.end("form_expired", "FORM_EXPIRED")
        elif payer.balance_stars < invoice.amount_stars:
            checkout.end("balance_too_low", "BALANCE_TOO_LOW")
        else:
            self._ask(checkout)
        return checkout

    def answer(self, bot: BotAccount, query_id: str, *, ok: bool, error_message: str) -> None:
        """The bot's word on a pre-checkout query.

        Raises:
            Refusal: there is no such query, or it was answered, or its ten seconds are over.
        """
        checkout = self._waiting.get(query_id)
        if checkout is None or checkout.bot is not bot:
            # SRV maps QUERY_ID_INVALID to this
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        del self._waiting[query_id]
        if not ok:
            checkout.end("declined", error_message)
        elif checkout.payer.balance_stars < checkout.invoice.amount_stars:
            checkout.end("balance_too_low", "BALANCE_TOO_LOW")  # spent elsewhere while the bot was thinking
        else:
            self._complete(checkout)

    def _ask(self, checkout: Checkout) -> None:
        query_id = checkout.query_id = str(self._random.randrange(10**17, 2**63))
        self._waiting[query_id] = checkout
        checkout.deadline = self._clock.call_after(
            PRE_CHECKOUT_DEADLINE_S,
            lambda: self._give_up(query_id),
            what=f"deadline of {checkout.payer.first_name}'s checkout",
        )
        self._chats.between(checkout.bot, checkout.payer).known = True
        query = build(
            types.PreCheckoutQuery,
            id=query_id,
            from_=checkout.payer.as_user,
            currency=checkout.invoice.currency,
            total_amount=checkout.invoice.amount,
            invoice_payload=checkout.invoice.payload,
        )
        self._tell(checkout.bot, "pre_checkout_query", dump(query), (checkout.payer.id, "checkout"))

    def _give_up(self, query_id: str) -> None:
        checkout = self._waiting.pop(query_id, None)
        if checkout is not None:
            checkout.end("timed_out", "BOT_PRECHECKOUT_TIMEOUT")

    def _complete(self, checkout: Checkout) -> None:
        bot, payer, invoice = checkout.bot, checkout.payer, checkout.invoice
        if invoice.currency != CURRENCY:
            taken = self._cards.take(bot, payer, invoice)
            self._receipts.write_card(bot, payer, taken)
            checkout.end("paid", charge_id=taken.charge_id)
            return
        payment = self._till.take(bot, payer, invoice)
        if invoice.subscription_period_s:
            self._subscriptions.begin(bot, payer, invoice, payment)
        else:
            self._receipts.write(bot, payer, payment)
        checkout.end("paid", charge_id=payment.charge_id)
