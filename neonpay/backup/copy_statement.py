"""``COPY`` of PostgreSQL, out of the transaction of a connection and into it, in the thread that works on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

_WAITING: Final = 4
PART_BYTES: Final = 256 * 1024
"""What comes over the wire is some kilobytes at a time, each of which would have to be waited for."""


def copied_out(connection: sa.Connection, query: str, **options: str) -> Iterator[bytes]:
    """What a query gives, as it comes, in parts of some size that end anywhere."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=_WAITING)

    async def copy(raw: Any) -> None:
        gathered = bytearray()

        async def gather(part: bytes) -> None:
            gathered.extend(part)
            if len(gathered) >= PART_BYTES:
                await waiting.put(bytes(gathered))
                gathered.clear()

        try:
            await raw.copy_from_query(query, output=gather, **options)
            if gathered:
                await waiting.put(bytes(gathered))
        finally:
            await waiting.put(None)

    async def begun(raw: Any) -> asyncio.Task[None]:
        return asyncio.create_task(copy(raw))

    here: Any = connection.connection
    task: asyncio.Task[None] = here.run_async(begun)
    try:
        while (part := here.run_async(lambda _: waiting.get())) is not None:
            yield part
        here.run_async(lambda _: task)
    finally:
        task.cancel()


def copied_in(
    connection: sa.Connection, table: str, columns: Sequence[str], parts: Iterable[bytes], *, is_new: bool
) -> None:
    """The lines, each of which is in one part, are rows of a table; raises what the parts raise.

    Args:
        is_new: whether this transaction has made the table. Its rows are then written as such that everybody sees, so that no
            look has to find that out and write it down.
    """

    async def each() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    options = {"columns": columns, "format": "text", "freeze": is_new}
    _until_lost(connection, lambda raw: raw.copy_to_table(table, source=each(), **options))


def rows_in(connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The rows are those of a table; raises what the rows raise."""
    _until_lost(connection, lambda raw: raw.copy_records_to_table(table, records=rows, columns=columns))


def _until_lost(connection: sa.Connection, copy: Callable[[Any], Coroutine[Any, Any, object]]) -> None:
    """Copy, and raise when the server ends the connection: the driver would wait for ever to be let write more."""
    from asyncpg import ConnectionDoesNotExistError  # of an extra

    async def watched(raw: Any) -> None:
        task = asyncio.create_task(copy(raw))

        def lost(_: object) -> None:
            task.cancel()

        raw.add_termination_listener(lost)
        try:
            await task
        except asyncio.CancelledError:
            if not raw.is_closed():
                raise
            msg = "the server has ended the connection"
            raise ConnectionDoesNotExistError(msg) from None
        finally:
            task.cancel()
            raw.remove_termination_listener(lost)

    here: Any = connection.connection
    here.run_async(watched)
