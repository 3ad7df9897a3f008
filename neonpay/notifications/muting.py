"""``/mute 2h``: quiet for a while, but for what is critical."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from neonpay.core.clock import microseconds, moment
from neonpay.core.words import Words
from neonpay.ledger import Transaction
from neonpay.notifications import queue
from neonpay.notifications.sender import silence
from neonpay.payments.extension import Host

_MUTE: Final = re.compile(r"/mute(?:@\w+)?(?:\s+(.*))?\s*", re.DOTALL | re.IGNORECASE)
_FOR: Final = re.compile(r"(\d{1,5})\s*([mhd])", re.IGNORECASE)
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_MOST: Final = timedelta(days=30)
_QUIET = Words("🔕 Quiet until {until}. What is critical is told all the same.")
_LOUD = Words("🔔 You are told of everything again.")
_HOW = Words("Write /mute 30m, /mute 2h or /mute 1d for quiet, at most 30 days, and /mute off to be told again.")


def wants_mute(text: str) -> bool:
    """Whether a message is the command."""
    return _MUTE.fullmatch(text) is not None


class Mutes:
    """Who wants quiet.

    Args:
        shared: chats beside the owners' own in which alerts are told; each owner's word goes for them, too.
        zone: in which times are said.
        says: words for the owners.
    """

    def __init__(self, shared: Callable[[], Sequence[str]], zone: ZoneInfo, says: Callable[..., str]) -> None:
        self._shared = shared
        self._zone = zone
        self._says = says

    async def change(self, host: Host, user_id: int, text: str) -> str:
        """Do what a command says; the answer."""
        found = _MUTE.fullmatch(text)
        wish = "" if found is None else (found[1] or "").strip().lower()
        recipients = [str(user_id), *self._shared()]
        now = moment(host.clock.now_us())
        if wish == "off":
            await host.ledger.run(_speak, host.bot_id, recipients, microseconds(now))
            host.look_soon()
            return self._says("mute.off", _LOUD)
        length = _FOR.fullmatch(wish)
        if length is None or not timedelta(0) < int(length[1]) * _UNITS[length[2]] <= _MOST:
            return self._says("mute.how", _HOW)
        until = now + int(length[1]) * _UNITS[length[2]]
        await host.ledger.run(_be_quiet, host.bot_id, recipients, microseconds(until))
        return self._says("mute.until", _QUIET, until=f"{until.astimezone(self._zone):%Y-%m-%d %H:%M} {self._zone.key}")


def _be_quiet(transaction: Transaction, bot_id: int, recipients: Sequence[str], until_us: int) -> None:
    for recipient in recipients:
        silence(transaction, bot_id, recipient, until_us)


def _speak(transaction: Transaction, bot_id: int, recipients: Sequence[str], now_us: int) -> None:
    for recipient in recipients:
        silence(transaction, bot_id, recipient, now_us)
        queue.let_go(transaction, bot_id, recipient, now_us)
