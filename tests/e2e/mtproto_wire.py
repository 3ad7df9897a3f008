"""MTProto through a socket, so that a client in a process that is killed speaks with the simulator in this one."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from neonpay.simulator.mtproto import answering
from neonpay.simulator.mtproto.tl import PyrogramDialect, TelethonDialect, Tl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.simulator import Simulator
    from neonpay.simulator.mtproto.front import Front
    from neonpay.simulator.mtproto.line import Line

_HEAD = struct.Struct("<cIi")
"""What a frame is, the request that it belongs to, and how long the rest is."""
_KEY, _OPEN, _CLOSE, _ASK, _ANSWER, _FAULT, _TELL = b"K", b"O", b"C", b"Q", b"A", b"E", b"U"


def _tl(root: str) -> Tl:
    return Tl(TelethonDialect() if root == "telethon" else PyrogramDialect(root))


def _frame(kind: bytes, data: bytes = b"", number: int = 0) -> bytes:
    return _HEAD.pack(kind, number, len(data)) + data


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, int, bytes]:
    kind, number, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    return kind, number, await reader.readexactly(length)


class Exchange:
    """The end of the lines that is in the simulator's process.

    Args:
        telegram: whose lines they are.
        path: the socket.
    """

    def __init__(self, telegram: Simulator, path: Path) -> None:
        self._telegram = telegram
        self._path = path
        self._front: Front | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.signed_in = asyncio.Event()

    async def __aenter__(self) -> Self:
        from neonpay.simulator.mtproto.front import Front

        self._front = Front(self._telegram._world, self._telegram._api)  # noqa: SLF001 - a door that is no port
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._front is not None, "entered"
        _, _, said = await _read(reader)
        root, _, key = said.partition(b"\n")
        line = self._front._line(_tl(root.decode()), key or None)  # noqa: SLF001
        writer.write(_frame(_KEY, line.key))
        asking: set[asyncio.Task[None]] = set()
        try:
            while True:
                kind, number, data = await _read(reader)
                if kind == _OPEN:
                    line.open(lambda update: writer.write(_frame(_TELL, update)))
                elif kind == _CLOSE:
                    line.close()
                else:
                    task = asyncio.ensure_future(self._answer(line, number, data, writer))
                    asking.add(task)
                    task.add_done_callback(asking.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the program is gone, and nothing that it asked for and has not got happens any more
        finally:
            for task in asking:
                task.cancel()
            if line.is_open:
                line.close()
            writer.close()

    async def _answer(self, line: Line, number: int, request: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            frame = _frame(_ANSWER, await answering.answer(line, request), number)
        except Exception as error:  # noqa: BLE001 - whoever awaits the answer gets it
            frame = _frame(_FAULT, str(error).encode(), number)
        writer.write(frame)
        if line.is_open and line.bot is not None:
            self.signed_in.set()


class FarLine:
    """The end of one line that is in the program: what a session of the simulator asks of a line."""

    def __init__(self, root: str, key: bytes | None) -> None:
        self.tl = _tl(root)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(os.environ["SIMULATED_MTPROTO"])
        self._socket.sendall(_frame(_KEY, root.encode() + b"\n" + (key or b"")))
        head = self._socket.recv(_HEAD.size, socket.MSG_WAITALL)
        self.key = self._socket.recv(_HEAD.unpack(head)[2], socket.MSG_WAITALL)
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0
        self._hear: Callable[[bytes], None] = lambda _: None
        self._reading: asyncio.Task[None] | None = None

    def open(self, hear: Callable[[bytes], None]) -> None:
        self._hear = hear
        self._socket.sendall(_frame(_OPEN))
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())

    def close(self) -> None:
        self._socket.sendall(_frame(_CLOSE))

    async def ask(self, request: bytes) -> bytes:
        self._number += 1
        answered = self._asked[self._number] = asyncio.get_running_loop().create_future()
        self._socket.sendall(_frame(_ASK, request, self._number))
        return await answered

    async def _read(self) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, number, data = await _read(reader)
                if kind == _TELL:
                    self._hear(data)
                    continue
                answered = self._asked.pop(number)
                if answered.done():
                    continue
                if kind == _ANSWER:
                    answered.set_result(data)
                else:
                    answered.set_exception(ConnectionError(data.decode()))


async def answer(line: Any, request: bytes) -> bytes:
    """What ``neonpay.simulator.mtproto.answering.answer`` says at the other end."""
    answered: bytes = await line.ask(request)
    return answered
