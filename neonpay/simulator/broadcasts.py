"""Messages beyond the free thirty a second, which cost a bot a tenth of a Star each when it allows that.

https://core.telegram.org/bots/faq#how-can-i-message-all-of-my-bot-39s-subscribers-at-once (read 2026-11-20). A second is one of
virtual time. The conditions for switching it on at @BotFather (10,000 Stars, 10,000 monthly users) are taken as met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.core.limits import MESSAGES_PER_S
from neonpay.simulator.accounts import NANOSTARS
from neonpay.simulator.objects import build
from neonpay.simulator.refusal import bad_request

if TYPE_CHECKING:
    from neonpay.simulator.accounts import BotAccount
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.till import Till

FEE_NANOSTARS: Final = NANOSTARS // 10
"""Price of one message (API, sendMessage)."""


@dataclass(slots=True)
class _Second:
    starts_at: int
    sent: int = 0
    charged: int = 0
    transaction_id: str = ""


class Broadcasts:
    """Counts what bots send."""

    def __init__(self, till: Till, clock: SteppedClock) -> None:
        self._till = till
        self._clock = clock
        self._seconds: dict[int, _Second] = {}

    def count(self, bot: BotAccount, *, is_paid: bool) -> None:
        """One message more; beyond the free ones it is charged when the bot allows it.

        One row stands for all that was charged in one second. UNVERIFIED: how Telegram groups them.

        Raises:
            Refusal: the bot allows it and has not got the tenth of a Star.
        """
        now = int(self._clock.now())
        second = self._seconds.get(bot.id)
        if second is None or second.starts_at != now:
            second = self._seconds[bot.id] = _Second(now)
        if is_paid and second.sent >= MESSAGES_PER_S:
            if bot.balance_stars * NANOSTARS + bot.balance_nanostars < FEE_NANOSTARS:
                raise bad_request("BALANCE_TOO_LOW")  # ERR, send*
            self._charge(bot, second)
        second.sent += 1

    def _charge(self, bot: BotAccount, second: _Second) -> None:
        second.charged += 1
        partner = build(types.TransactionPartnerTelegramApi, type="telegram_api", request_count=second.charged)
        if second.transaction_id:
            self._till.grow(bot, second.transaction_id, FEE_NANOSTARS, partner)
        else:
            second.transaction_id = self._till.new_id()
            self._till.enter(bot, second.transaction_id, "receiver", FEE_NANOSTARS, partner)
