"""What moves a bot's Stars beside its invoices: withdrawals, gifts, advertising, affiliates, and what Telegram takes back.

Real bots see these only as rows of ``getStarTransactions`` and in their balance, so here they are made to happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.accounts import NANOSTARS, BotAccount
from neonpay.simulator.money.broadcasts import FEE_NANOSTARS
from neonpay.simulator.money.gifts import PREMIUM_PRICES
from neonpay.simulator.money.till import Commission
from neonpay.simulator.wire.objects import build

if TYPE_CHECKING:
    from pydantic import BaseModel

    from neonpay.simulator.chats.accounts import Accounts
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.money.till import Till
    from neonpay.simulator.people.buyers import Buyer

HOLD_S: Final = 21 * 86_400
"""How long Telegram may hold Stars before they are worth a reward (https://telegram.org/tos/bot-developers, read
2026-11-20)."""
WITHDRAWAL_MIN_STARS: Final = 1_000
"""Fewest Stars of one withdrawal (TDL, option star_withdrawal_count_min)."""
MovementKind = Literal[
    "withdrawal", "gift", "premium", "ads", "paid_broadcast", "affiliate", "paid_media", "business_transfer", "other_in",
    "other_out",
]  # fmt: skip
"""The movements that ``Treasury.move`` makes by name."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Stars that their owner takes out; pending until ``succeeds`` or ``fails``.

    Attributes:
        id: of the row in the list of transactions.
    """

    treasury: Treasury
    id: str
    stars: int

    def succeeds(self) -> None:
        """The money has been paid out; the row says so."""
        till, bot = self.treasury.till, self.treasury.bot
        date = int(self.treasury.clock.moment().timestamp())
        state = {"type": "succeeded", "date": date, "url": "https://fragment.com/withdrawal"}
        till.change_partner(bot, self.id, _fragment(state))

    def fails(self) -> None:
        """The Stars are back with the bot; the row says so where it stands."""
        self.treasury.till.change_partner(self.treasury.bot, self.id, _fragment({"type": "failed"}))
        self.treasury.bot.gets(self.stars * NANOSTARS)


class Treasury:
    """The Stars of one bot, as its owner and Telegram see them."""

    def __init__(self, till: Till, clock: SteppedClock, accounts: Accounts, bot: BotAccount) -> None:
        self.till = till
        self.clock = clock
        self.bot = bot
        self._accounts = accounts

    @property
    def available_stars(self) -> int:
        """Stars that have been the bot's for longer than the 21 days for which Telegram may hold them."""
        since = self.clock.now() - HOLD_S
        rows = self.till.transactions(self.bot)
        held = sum(row.amount for row in rows if row.direction == "source" and row.at.timestamp() > since)
        return max(0, self.bot.balance_stars - held)

    def withdraws(self, stars: int, *, heeds_bounds: bool = False) -> Withdrawal:
        """The owner asks for a reward; the Stars leave the balance at once.

        Args:
            stars: how many.
            heeds_bounds: refuse what Telegram refuses its owner: fewer than a thousand, and Stars that are still held.

        Raises:
            SimulatorError: the bot has not got so many, or a bound is heeded and not kept.
        """
        if not 0 < stars <= self.bot.balance_stars:
            raise SimulatorError(f"the bot has {self.bot.balance_stars} Stars and cannot withdraw {stars!r}")
        if heeds_bounds and not WITHDRAWAL_MIN_STARS <= stars <= self.available_stars:
            raise SimulatorError(
                f"{stars} Stars cannot be withdrawn: {self.available_stars} are available, and it takes {WITHDRAWAL_MIN_STARS}"
            )
        transaction_id = self.till.new_id()
        self.till.enter(self.bot, transaction_id, "receiver", stars * NANOSTARS, _fragment({"type": "pending"}))
        return Withdrawal(self, transaction_id, stars)

    def move(self, kind: MovementKind, stars: int, *, nanostars: int = 0, user: Buyer | None = None) -> str:
        """Move Stars in the way of this kind; returns the id of the row.

        Args:
            user: who gave or got them, for kinds that have a user on the other side.

        Raises:
            SimulatorError: the amount is not positive, or the kind needs a user.
        """
        whole = stars * NANOSTARS + nanostars
        if whole <= 0:
            raise SimulatorError(f"an amount is positive, not {stars!r} Stars and {nanostars!r} nanostars")
        if kind == "withdrawal":
            return self.withdraws(stars).id
        direction: Literal["source", "receiver"] = "source" if kind in _INCOMING else "receiver"
        transaction_id = self.till.new_id()
        partner = self._partner(kind, user, whole)
        self.till.enter(self.bot, transaction_id, direction, whole, partner, user_id=user.id if user else None)
        return transaction_id

    def loses(self, stars: int) -> None:
        """Telegram takes Stars from the balance and shows no row for it: a chargeback, as far as anybody knows."""
        self.bot.gets(-stars * NANOSTARS)

    def shares_sales(self, per_mille: int, *, is_net: bool) -> None:
        """An affiliate gets a share of every sale from now on; 0 ends that.

        Args:
            is_net: whether rows and balance are without the share. Telegram does not say which it is.
        """
        if not 0 <= per_mille < 1000:  # noqa: PLR2004 - per mille
            raise SimulatorError(f"a commission is 0 to 999 per mille, not {per_mille!r}")
        if per_mille:
            self.till.commissions[self.bot.id] = Commission(per_mille, is_net)
        else:
            self.till.commissions.pop(self.bot.id, None)

    def _partner(self, kind: MovementKind, user: Buyer | None, nanostars: int) -> BaseModel:
        match kind:
            case "ads":
                return build(types.TransactionPartnerTelegramAds, type="telegram_ads")
            case "paid_broadcast":
                count = max(1, nanostars // FEE_NANOSTARS)
                return build(types.TransactionPartnerTelegramApi, type="telegram_api", request_count=count)
            case "affiliate":
                return build(
                    types.TransactionPartnerAffiliateProgram, type="affiliate_program", commission_per_mille=100
                )
            case "other_in" | "other_out":
                return build(types.TransactionPartnerOther, type="other")
        if user is None:
            raise SimulatorError(f"a {kind} has a user on the other side; give user=")
        named = {
            "gift": "gift_purchase",
            "premium": "premium_purchase",
            "paid_media": "paid_media_payment",
            "business_transfer": "business_account_transfer",
        }
        account = self._accounts.users[user.id]
        months = {stars: months for months, stars in PREMIUM_PRICES.items()}.get(nanostars // NANOSTARS)
        return build(
            types.TransactionPartnerUser,
            type="user",
            transaction_type=named[kind],
            user=account.as_user,
            premium_subscription_duration=months if kind == "premium" else None,
        )


_INCOMING = frozenset({"affiliate", "paid_media", "business_transfer", "other_in"})


def _fragment(state: dict[str, object]) -> BaseModel:
    return build(types.TransactionPartnerFragment, type="fragment", withdrawal_state=state)
