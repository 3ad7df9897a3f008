"""The Bot API methods that are simulated, by their documented names."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.methods.bot import METHODS as BOT
from neonpay.simulator.methods.invoicing import METHODS as INVOICING
from neonpay.simulator.methods.messages import METHODS as MESSAGES
from neonpay.simulator.methods.paid_media import METHODS as PAID_MEDIA
from neonpay.simulator.methods.stars import METHODS as STARS
from neonpay.simulator.methods.updating import METHODS as UPDATING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.requests import Method

SIMULATED: Final[Mapping[str, Method]] = MappingProxyType({**BOT, **INVOICING, **MESSAGES, **PAID_MEDIA, **STARS, **UPDATING})
"""Every simulated method; any other method of the Bot API answers 501."""
