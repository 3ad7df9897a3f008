"""The bot that the conformance suite of adapters plays with: what a subclass has to give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from neonpay.app import NeonPayCore
from neonpay.simulator import BotAccount, Simulator


class BotHost(Protocol):
    """A bot of the library under test, written as its users write bots, with ``create_neonpay`` called on it.

    It has handlers of its own that take whatever they can get, registered before ``create_neonpay`` where the library has an
    order, and each of them notes what it got in ``heard``:

    * ``text:<text>`` for a message with text,
    * ``checkout:<payload>`` for a pre-checkout query, which it approves through the library,
    * ``paid:<payload>`` for a successful payment, ``refunded:<payload>`` for a refunded one, where the library tells of them.
    """

    heard: list[str]

    @property
    def neonpay(self) -> NeonPayCore:
        """What ``create_neonpay`` gave."""
        ...

    async def start(self) -> None:
        """The bot receives updates as its library does, and has asked for the first ones when this returns."""
        ...

    async def stop(self) -> None:
        """The bot is stopped as its library is stopped, ``neonpay`` is closed, and nothing of it runs any more."""
        ...


HostFactory: TypeAlias = Callable[[Simulator, BotAccount, dict[str, Any]], BotHost]
"""Makes a bot of an account in a simulated Telegram, not started yet; the options are for ``create_neonpay``."""
