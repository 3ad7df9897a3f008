"""One MTProto request on its way through the simulated Telegram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from neonpay.simulator.mtproto.tl import TlObject

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.mtproto.line import Line


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what; ``bot`` is None before somebody signs in."""

    line: Line
    request: TlObject
    bot: BotAccount | None

    @property
    def me(self) -> BotAccount:
        """The bot that asks."""
        assert self.bot is not None, "requests of nobody were refused before"
        return self.bot


Method: TypeAlias = Callable[[Asked], Awaitable[TlObject]]
"""A simulated request: it returns an object, a boolean or a list, or raises ``RpcRefusal`` before anything has changed."""
