"""One call on its way through the simulated Bot API.

What exists once for every call is not frozen: making it costs half as much so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.wire.params import Params
    from neonpay.simulator.world import World


@dataclass(slots=True, eq=False)
class Request:
    """Who asks for what."""

    world: World
    bot: BotAccount
    params: Params


@dataclass(slots=True, eq=False)
class Done:
    """What a method did: the JSON result, and Telegram's remark when it makes one."""

    result: object
    remark: str | None = None


Method: TypeAlias = Callable[[Request], Done | Awaitable[Done]]
"""A simulated Bot API method; it raises ``Refusal`` before anything has changed, or returns."""
