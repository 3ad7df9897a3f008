"""Where a Telethon client meets the simulator: its sender, whose ``send`` leads here instead of to a socket.

Everything above stays the library's own: calls with their retries and flood waits, the session, the loop that puts updates in
order and asks for those that are missing, and the handlers.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from neonpay.errors import SimulatorError
from neonpay.simulator.mtproto.answering import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.mtproto.line import Line
    from neonpay.simulator.mtproto.tl import TlObject


def adopt_telethon(client: Any, line_with: Callable[[bytes | None], Line]) -> None:
    """Give the client a sender that leads to a line for the key of its session.

    Raises:
        SimulatorError: it is connected already.
    """
    if client.is_connected():
        raise SimulatorError("this client is connected already; adopt it before it starts")
    key = client.session.auth_key
    line = line_with(key.key if key else None)
    client._sender = _sender_class()(client, line)  # noqa: SLF001 - the seam


def _sender_class() -> type[Any]:
    library = import_module("telethon.network").MTProtoSender
    auth_key = import_module("telethon.crypto").AuthKey
    to_error = import_module("telethon.errors").rpc_message_to_error
    rpc_error = import_module("telethon.tl.types").RpcError

    class SimulatedSender(library):  # type: ignore[misc, valid-type]  # known when it is asked for
        def __init__(self, client: Any, line: Line) -> None:
            super().__init__(
                auth_key(line.key),
                loggers=client._log,  # noqa: SLF001
                updates_queue=client._updates_queue,  # noqa: SLF001
            )
            self._line = line
            self._asking: set[asyncio.Task[None]] = set()
            self._over: asyncio.Future[None] | None = None
            self._user_connected = False

        async def connect(self, connection: object) -> bool:
            if self._user_connected:
                return False
            self._user_connected = True
            self._over = asyncio.get_running_loop().create_future()
            self._line.open(self._hear)
            return True

        async def disconnect(self) -> None:
            self._user_connected = False
            self._line.close()
            for task in self._asking:
                task.cancel()
            if self._over is not None and not self._over.done():
                self._over.set_result(None)

        @property
        def disconnected(self) -> asyncio.Future[None]:
            if self._over is None:
                self._over = asyncio.get_running_loop().create_future()
                self._over.set_result(None)
            return asyncio.shield(self._over)

        def _transport_connected(self) -> bool:
            return bool(self._user_connected)

        def _keepalive_ping(self, number: int) -> None:
            """A connection that is no socket needs no pings."""

        def send(self, request: TlObject, ordered: bool = False) -> Any:  # noqa: FBT001, FBT002, RUF100 - the library's
            if not self._user_connected:
                raise ConnectionError("Cannot send requests while disconnected")
            if isinstance(request, list | tuple):
                return [self.send(each) for each in request]
            answered = asyncio.get_running_loop().create_future()
            task = asyncio.ensure_future(self._ask(request, answered))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            task.add_done_callback(lambda _: answered.cancel())
            return answered

        async def _ask(self, request: TlObject, answered: asyncio.Future[TlObject]) -> None:
            try:
                result = self._line.tl.read(await answer(self._line, bytes(request)))
            except Exception as error:  # noqa: BLE001 - whoever awaits the answer gets it
                if not answered.done():
                    answered.set_exception(error)
                return
            if answered.done():
                return
            if isinstance(result, rpc_error):
                answered.set_exception(to_error(result, request))
            else:
                self._store_own_updates(result)
                answered.set_result(result)

        def _hear(self, data: bytes) -> None:
            self._updates_queue.put_nowait(self._line.tl.read(data))

    return SimulatedSender
