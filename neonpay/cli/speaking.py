"""How commands speak with Telegram: by the bot's token, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Adapter, Capabilities, Level, UpdateSink
from neonpay.errors import ConfigurationError

TOKEN_VARIABLE = "NEONPAY_BOT_TOKEN"  # noqa: S105  # the name of a variable


def adapter_for(bot_id: int, token: str | None, api_url: str | None, *, test_environment: bool) -> Adapter:
    """What speaks for a bot: with its token where there is one."""
    if token is None:
        return WithoutToken(bot_id)
    from neonpay.telegram.client import BASE_URL
    from neonpay.telegram.console import ConsoleAdapter

    return ConsoleAdapter(token, base_url=api_url or BASE_URL, test_environment=test_environment)


class WithoutToken:
    """A bot that only its ledger is known of; it cannot speak with Telegram."""

    library = "none"
    capabilities = Capabilities(level=Level.A, converses=False)

    def __init__(self, bot_id: int) -> None:
        self.bot_id = bot_id

    def attach(self, sink: UpdateSink) -> None:
        """There are no updates."""

    def host_data(self) -> Mapping[str, object]:
        """There is no host."""
        return {}

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """Raises ConfigurationError."""
        msg = f"this needs the bot's token for {method}: set {TOKEN_VARIABLE} or give --token-file"
        raise ConfigurationError(msg)

    async def close(self) -> None:
        """There is nothing to give back."""
