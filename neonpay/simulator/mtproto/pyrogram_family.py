"""Where a client of the Pyrogram family meets the simulator: its session, whose ``send`` leads here instead of to a socket.

Everything above stays the library's own: ``invoke`` with its retries and flood waits, the storage, ``handle_updates``, the
dispatcher, its parsers and the handlers.
"""

from __future__ import annotations

import asyncio
import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from neonpay.errors import SimulatorError
from neonpay.simulator.mtproto.answering import answer
from neonpay.simulator.mtproto.reading import not_simulated

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.mtproto.line import Line
    from neonpay.simulator.mtproto.tl import TlObject


def adopt_pyrogram(client: Any, root: str, line_with: Callable[[bytes | None], Line]) -> None:
    """Have the client's ``connect`` lead to a line for the key of its session.

    Raises:
        SimulatorError: it is connected already.
    """
    if client.is_connected:
        raise SimulatorError("this client is connected already; adopt it before it starts")
    session_class = _session_class(root)

    async def connect() -> bool:
        if client.is_connected:
            raise ConnectionError("Client is already connected")
        storage = client.storage
        await storage.open()
        try:
            line = line_with(await storage.auth_key())
        except SimulatorError:
            await storage.close()
            raise
        if await storage.auth_key() is None:
            # What the library's own load_session writes, but for the key, which it would agree on with Telegram.
            for name, value in (
                ("api_id", client.api_id), ("dc_id", 2), ("server_address", "127.0.0.1"), ("port", 443), ("date", 0),
                ("test_mode", client.test_mode), ("auth_key", line.key),
            ):  # fmt: skip
                if hasattr(storage, name):
                    await getattr(storage, name)(value)
        client.session = session_class(client, line)
        await client.session.start()
        client.is_connected = True
        return bool(await storage.user_id())

    client.connect = connect
    _keep_files_here(client)


def _keep_files_here(client: Any) -> None:
    """Refuse what the library would open another session for, to a data centre of Telegram's."""

    async def save_file(path: object = None, *_: object, **__: object) -> None:
        if path is not None:  # a thumbnail that there is not
            raise not_simulated("upload.SaveFilePart")

    def get_file(*_: object, **__: object) -> Any:
        raise not_simulated("upload.GetFile")

    async def get_session(*_: object, **__: object) -> Any:
        return client.session

    client.save_file, client.get_file, client.get_session = save_file, get_file, get_session


def _session_class(root: str) -> type[Any]:
    library = import_module(f"{root}.session").Session
    errors = import_module(f"{root}.errors")
    raw_types = import_module(f"{root}.raw").types

    class SimulatedSession(library):  # type: ignore[misc, valid-type]  # known when it is asked for
        def __init__(self, client: Any, line: Line) -> None:
            given = {
                "client": client,
                "dc_id": 2,
                "server_address": "127.0.0.1",
                "port": 443,
                "auth_key": line.key,
                "test_mode": client.test_mode,
            }
            wanted = inspect.signature(library.__init__).parameters
            super().__init__(**{name: value for name, value in given.items() if name in wanted})
            self._line = line
            self._handling: set[asyncio.Task[None]] = set()

        async def start(self) -> None:
            self._line.open(self._hear)
            self.is_started.set()

        async def stop(self) -> None:
            self.is_started.clear()
            self._line.close()
            while self._handling:
                await asyncio.wait(self._handling)

        async def restart(self) -> None:
            await self.stop()
            await self.start()

        async def send(self, data: TlObject, wait_response: bool = True, *_: object, **__: object) -> TlObject:  # noqa: FBT001, FBT002, RUF100 - the library's
            result = self._line.tl.read(await answer(self._line, data.write()))
            if isinstance(result, raw_types.RpcError):
                errors.RPCError.raise_it(result, type(data))
            return result if wait_response else None

        def _hear(self, data: bytes) -> None:
            task = asyncio.ensure_future(self.client.handle_updates(self._line.tl.read(data)))
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)

    return SimulatedSession
