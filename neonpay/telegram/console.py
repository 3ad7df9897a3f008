"""A bot without updates: what a tool needs to refund and to compare while the bot itself runs elsewhere, or does not run."""

from __future__ import annotations

from collections.abc import Mapping

from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, Route, UpdateSink
from neonpay.telegram.border import at_the_border
from neonpay.telegram.client import BASE_URL, TIMEOUT_S, BotApiClient


class ConsoleAdapter:
    """Makes Bot API calls with a token, and hands over no updates.

    Args:
        token: as @BotFather gives it; it is shown nowhere.
        base_url: of a Bot API server of one's own, or of a simulator.
        timeout_s: seconds for one call.
        test_environment: whether the bot lives in Telegram's test environment.

    Raises:
        ConfigurationError: the token is none, or aiohttp is not installed.
    """

    library = "bot-api"
    capabilities = Capabilities(level=Level.A, calls=Route.HTTP, checkouts=Route.HTTP, converses=False)

    def __init__(
        self, token: str, *, base_url: str = BASE_URL, timeout_s: float = TIMEOUT_S, test_environment: bool = False
    ) -> None:
        self._client = BotApiClient(token, base_url=base_url, timeout_s=timeout_s, test_environment=test_environment)

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot, which its token begins with."""
        return self._client.bot_id

    def attach(self, sink: UpdateSink) -> None:
        """Nothing: there are no updates."""

    def host_data(self) -> Mapping[str, object]:
        """Nothing: there is no host."""
        return {}

    @at_the_border
    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method; raises TelegramError or TelegramUnreachableError."""
        return await self._client.call(method, params)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def __repr__(self) -> str:
        return f"<ConsoleAdapter of bot {self.bot_id}>"
