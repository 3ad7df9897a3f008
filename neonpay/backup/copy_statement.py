"""``COPY`` of PostgreSQL, out of the transaction of a connection and into it, in the thread that works on it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

_WAITING: Final = 8


def copied_out(connection: sa.Connection, query: str, **options: str) -> Iterator[bytes]:
    """What a query gives, as it comes, in parts that end anywhere."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=_WAITING)

    async def copy(raw: Any) -> None:
        try:
            await raw.copy_from_query(query, output=waiting.put, **options)
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


def copied_in(connection: sa.Connection, table: str, columns: Sequence[str], lines: bytes) -> None:
    """The lines are rows of a table."""
    here: Any = connection.connection
    here.run_async(lambda raw: raw.copy_to_table(table, source=io.BytesIO(lines), columns=columns, format="text"))


def rows_in(connection: sa.Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """The rows are those of a table."""
    here: Any = connection.connection
    here.run_async(lambda raw: raw.copy_records_to_table(table, records=rows, columns=columns))
