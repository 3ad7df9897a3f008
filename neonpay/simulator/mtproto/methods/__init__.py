"""The MTProto requests that are simulated, by their names in the schema."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.mtproto.methods.account import METHODS as ACCOUNT
from neonpay.simulator.mtproto.methods.commands import METHODS as COMMANDS
from neonpay.simulator.mtproto.methods.messages import METHODS as MESSAGES
from neonpay.simulator.mtproto.methods.payments import METHODS as PAYMENTS
from neonpay.simulator.mtproto.methods.stars import METHODS as STARS
from neonpay.simulator.mtproto.methods.updates import METHODS as UPDATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.asked import Method

METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {**ACCOUNT, **COMMANDS, **MESSAGES, **PAYMENTS, **STARS, **UPDATES}
)
"""Every simulated request; any other raises ``SimulatorError``."""
