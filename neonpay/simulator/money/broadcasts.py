"""Messages beyond the free thirty a second, which cost a bot a tenth of a Star each when it allows that.

https://core.telegram.org/bots/faq#how-can-i-message-all-of-my-bot-39s-subscribers-at-once (read 2026-11-20). A second is one of
virtual time. The conditions for switching it on at @BotFather (10,000 Stars, 10,000 monthly users) are taken as met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.core.limits import MESSAGES_PER_S
from neonpay.simulator.chats.accounts import NANOSTARS
from neonpay.simulator.wire.objects import build
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.money.till import Till

FEE_NANOSTARS: Final = NANOSTARS // 10
"""Price of one message (API, sendMessage)."""


@dataclass(slots=True)
class _Second:
    starts_at: int
    sent: int = 0
    charged: int = 0
    is_paid: bool = False
    transaction_id: str = ""


class Broadcasts:
    """Counts what bots send."""

    def __init__(self, till: Till, clock: SteppedClock) -> None:
        self._till = till
        self._clock = clock
        self._seconds: dict[int, _Second] = {}

    def allow(self, bot: BotAccount, *, is_paid: bool, messages: int = 1) -> None:
        """A call wants to send so many messages, and to pay for those beyond the free ones, or not.

        Raises:
            Refusal: it wants to pay and has not got the Stars; nothing was charged.
        """
        second = self._second(bot)
        second.is_paid = is_paid
        beyond = max(0, second.sent + messages - max(MESSAGES_PER_S, second.sent))
        if is_paid and bot.balance_stars * NANOSTARS + bot.balance_nanostars < beyond * FEE_NANOSTARS:
            raise bad_request("BALANCE_TOO_LOW")  # ERR, send*

    def count(self, bot: BotAccount) -> None:
        """A message was sent; beyond the free ones it is charged if the call allowed it.

        One row stands for all that was charged in one second. UNVERIFIED: how Telegram groups them.
        """
        second = self._second(bot)
        if second.is_paid and second.sent >= MESSAGES_PER_S:
            self._charge(bot, second)
        second.sent += 1

    def _second(self, bot: BotAccount) -> _Second:
        now = int(self._clock.now())
        second = self._seconds.get(bot.id)
        if second is None or second.starts_at != now:
            second = self._seconds[bot.id] = _Second(now)
        return second

    def _charge(self, bot: BotAccount, second: _Second) -> None:
        second.charged += 1
        partner = build(types.TransactionPartnerTelegramApi, type="telegram_api", request_count=second.charged)
        if second.transaction_id:
            self._till.grow(bot, second.transaction_id, FEE_NANOSTARS, partner)
        else:
            second.transaction_id = self._till.new_id()
            self._till.enter(bot, second.transaction_id, "receiver", FEE_NANOSTARS, partner)
