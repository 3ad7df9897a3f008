"""One client's line to the simulated Telegram: who is signed in on it, and what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neonpay.errors import SimulatorError
from neonpay.simulator.mtproto.refusals import refusal_of
from neonpay.simulator.mtproto.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.http.api import BotApi
    from neonpay.simulator.mtproto.exchange import Exchange
    from neonpay.simulator.mtproto.stream import Stream
    from neonpay.simulator.mtproto.tl import Tl
    from neonpay.simulator.wire.params import Params
    from neonpay.simulator.world import World


class Line:
    """What a session is connected to.

    Args:
        exchange: what all lines share.
        tl: the schema of the client's library.
        key: the authorization key, by which a client that comes back is known.
    """

    def __init__(self, exchange: Exchange, tl: Tl, key: bytes) -> None:
        self._exchange = exchange
        self.tl = tl
        self.key = key
        self._hear: Callable[[bytes], None] | None = None
        self._wants_updates = True

    @property
    def world(self) -> World:
        """The simulated Telegram."""
        return self._exchange.world

    @property
    def api(self) -> BotApi:
        """Its Bot API."""
        return self._exchange.api

    @property
    def is_open(self) -> bool:
        """Whether the session is connected."""
        return self._hear is not None

    @property
    def bot(self) -> BotAccount | None:
        """The bot that is signed in."""
        return self._exchange.signed_in.get(self.key)

    def open(self, hear: Callable[[bytes], None]) -> None:
        """The session is connected; ``hear`` gets the bytes of each ``Updates``."""
        self._hear = hear
        if self.bot is not None:
            self.stream(self.bot).join(self)

    def close(self) -> None:
        """The session is gone."""
        self._hear = None
        if self.bot is not None:
            self.stream(self.bot).leave(self)

    async def carry_out(self, method: str, params: Params) -> Any:
        """The result of a Bot API method for the bot that is signed in.

        Raises:
            RpcRefusal: it was refused.
        """
        assert self.bot is not None, "only for requests of a bot that is signed in"
        answer = await self.api.call_as(self.bot, method, params, via="mtproto")
        if answer.fate == "dropped":
            raise ConnectionError("the connection broke")
        if answer.fate == "lost":
            raise TimeoutError("the answer is lost")
        if answer.status == 501:  # noqa: PLR2004 - of the simulator's own
            raise SimulatorError(str(answer.body["description"]))
        if not answer.body["ok"]:
            raise refusal_of(answer.body)
        return answer.body["result"]

    def sign_in(self, bot: BotAccount) -> None:
        """Whose session this is from now on."""
        self._exchange.signed_in[self.key] = bot
        if self._wants_updates:
            self.stream(bot).join(self)

    def wants_no_updates(self) -> None:
        """Tell this session nothing from now on."""
        self._wants_updates = False
        if self.bot is not None:
            self.stream(self.bot).leave(self)

    def sign_out(self) -> None:
        """It is nobody's session."""
        if self.bot is not None:
            self.stream(self.bot).leave(self)
        self._exchange.signed_in.pop(self.key, None)

    def stream(self, bot: BotAccount) -> Stream:
        """The updates of a bot."""
        return self._exchange.stream(bot)

    def tell(self, kind: str, payload: Mapping[str, Any], pts: int, qts: int) -> None:
        """Write an update for this client and hand it over."""
        bot = self.bot
        assert bot is not None, "only a session that is signed in is told"
        writer = Writer(self.tl, bot, self.world.accounts)
        update = writer.update(kind, payload, pts, qts)
        if update is not None and self._hear is not None:
            named = [payload[name]["id"] for name in ("from", "user", "chat") if name in payload]
            self._hear(self.tl.write(writer.updates([update], named, self.world.clock.now())))
