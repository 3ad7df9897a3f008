"""A bot of which a centre knows the ledger alone: it has no token of it, and no updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, UpdateSink
from neonpay.errors import ConfigurationError


class Nobody:
    """Speaks with no one."""

    CENTRE: Final = 2**62 - 1
    """Stands for the bot where a ledger has none yet: no id of Telegram's, and no number of a word."""
    library: ClassVar[str] = "none"
    capabilities: ClassVar[Capabilities] = Capabilities(level=Level.A, converses=False)

    def __init__(self, bot_id: int) -> None:
        self.bot_id = bot_id

    def attach(self, sink: UpdateSink) -> None:
        """There are no updates."""

    def host_data(self) -> Mapping[str, object]:
        """There is no host."""
        return {}

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """Raises ConfigurationError."""
        msg = f"a centre has no token for {method}; do it where the bot runs, or in: neonpay dashboard"
        raise ConfigurationError(msg)

    async def close(self) -> None:
        """There is nothing to give back."""
