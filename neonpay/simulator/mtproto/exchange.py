"""What the MTProto lines of one simulated Telegram share: who is signed in with which key, and the updates of each bot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.mtproto.stream import Stream

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.http.api import BotApi
    from neonpay.simulator.world import World

_KEY_BYTES: Final = 256


class Exchange:
    """Keys and streams.

    Attributes:
        signed_in: bots by authorization key.
    """

    def __init__(self, world: World, api: BotApi) -> None:
        self.world = world
        self.api = api
        self.signed_in: dict[bytes, BotAccount] = {}
        self._keys: set[bytes] = set()
        self._streams: dict[int, Stream] = {}

    def checked_key(self, key: bytes | None) -> bytes:
        """The authorization key of a session; a new one for a session that has none.

        Raises:
            SimulatorError: the key is not of this Telegram.
        """
        if key is None:
            key = self.world.random.randbytes(_KEY_BYTES)
            self._keys.add(key)
        elif key not in self._keys:
            raise SimulatorError(
                "this client's session file belongs to another Telegram, perhaps the real one; give the client a session "
                "in memory"
            )
        return key

    def stream(self, bot: BotAccount) -> Stream:
        """The updates of a bot."""
        stream = self._streams.get(bot.id)
        if stream is None:
            box = self.world.postbox(bot)
            stream = self._streams[bot.id] = box.stream = Stream(box.queue)
        return stream
