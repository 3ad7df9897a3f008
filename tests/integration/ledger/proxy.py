"""A way to PostgreSQL over TCP that can go black: connections are accepted, and nothing more comes through."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa


class Proxy:
    """Forwards from a port of the loopback to the server behind a URL."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        """The database, reached through the proxy."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        url = self._url.difference_update_query(["host"]).set(host="127.0.0.1", port=port)
        return url.render_as_string(hide_password=False)

    @property
    def is_black(self) -> bool:
        return not self._open.is_set()

    def black_out(self) -> None:
        """From now on nothing comes through, in either direction, and nobody is told."""
        self._open.clear()

    def light_up(self) -> None:
        self._open.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._open.wait()
        host, port = self._url.query.get("host", self._url.host), self._url.port or 5432
        if str(host).startswith("/"):
            there = await asyncio.open_unix_connection(str(Path(str(host)) / f".s.PGSQL.{port}"))
        else:
            there = await asyncio.open_connection(str(host), port)
        self._writers.append(there[1])
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(self._forward(source, target))
            self._tasks.add(task)

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._open.wait()
                target.write(data)
                await target.drain()
            target.close()
