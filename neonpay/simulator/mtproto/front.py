"""The door for MTProto clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.mtproto.exchange import Exchange
from neonpay.simulator.mtproto.line import Line
from neonpay.simulator.mtproto.pyrogram_family import adopt_pyrogram
from neonpay.simulator.mtproto.telethon_client import adopt_telethon
from neonpay.simulator.mtproto.tl import PyrogramDialect, TelethonDialect, Tl

if TYPE_CHECKING:
    from neonpay.simulator.http.api import BotApi
    from neonpay.simulator.world import World

_PYROGRAM_ROOTS: Final = ("pyrogram", "hydrogram")


class Front:
    """Connects clients to one simulated Telegram."""

    def __init__(self, world: World, api: BotApi) -> None:
        self._exchange = Exchange(world, api)

    def adopt(self, client: object) -> None:
        """Have a client connect to this Telegram from now on.

        Raises:
            SimulatorError: it is no client of a library that is simulated, or it is connected already.
        """
        classes = {((kind.__module__ or "").partition(".")[0], kind.__name__) for kind in type(client).__mro__}
        root = next((root for root in _PYROGRAM_ROOTS if (root, "Client") in classes), None)
        if root is not None:
            tl = Tl(PyrogramDialect(root))
            adopt_pyrogram(client, root, lambda key: self._line(tl, key))
        elif ("telethon", "TelegramClient") in classes:
            tl = Tl(TelethonDialect())
            adopt_telethon(client, lambda key: self._line(tl, key))
        else:
            raise SimulatorError(f"{type(client).__name__} is no client of the Pyrogram family or of Telethon")

    def _line(self, tl: Tl, key: bytes | None) -> Line:
        return Line(self._exchange, tl, self._exchange.checked_key(key))
