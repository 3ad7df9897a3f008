"""The network between Telegram and webhook workers: takes turns among those that answer, and loses what it is told to lose."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 65536
_COMMON_SHARE = 0.01


class Balancer:
    """Forwards connections, as bytes, to workers that listen at Unix sockets.

    Args:
        socket_paths: where the workers listen while they live.
        random: decides what gets lost.
        lost_share: part of the requests that do not arrive, which makes updates late, and the same part of the answers,
            which makes Telegram deliver twice.
    """

    def __init__(self, socket_paths: Sequence[Path], *, random: Random, lost_share: float = _COMMON_SHARE) -> None:
        self._turns = itertools.cycle(socket_paths)
        self._workers = len(socket_paths)
        self._random = random
        self.lost_share = lost_share
        self.happened: Counter[str] = Counter()
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, telegram: asyncio.StreamReader, to_telegram: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._serve(telegram, to_telegram))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, telegram: asyncio.StreamReader, to_telegram: asyncio.StreamWriter) -> None:
        worker = await self._worker()
        if worker is None:
            self.happened["nobody there"] += 1
            to_telegram.close()
            return
        from_worker, to_worker = worker
        ways = {
            asyncio.ensure_future(self._forward(telegram, to_worker, "lost before")),
            asyncio.ensure_future(self._forward(from_worker, to_telegram, "lost after")),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_worker.close()
            to_telegram.close()

    async def _worker(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(self._workers):
            try:
                return await asyncio.open_unix_connection(next(self._turns))
            except OSError:
                continue
        return None

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, loss: str) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            if self._random.random() < self.lost_share:
                self.happened[loss] += 1
                return
            target.write(chunk)
            await target.drain()
