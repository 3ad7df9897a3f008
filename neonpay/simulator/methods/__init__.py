"""The Bot API methods that are simulated, by their documented names."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.methods import bot, invoicing, messages, stars, updating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.requests import Method

SIMULATED: Final[Mapping[str, Method]] = MappingProxyType(
    {**bot.METHODS, **invoicing.METHODS, **messages.METHODS, **stars.METHODS, **updating.METHODS}
)
"""Every simulated method; any other method of the Bot API answers 501."""
