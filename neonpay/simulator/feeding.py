"""Handing a bot's updates straight to a function: neither a poll nor a webhook, and nothing runs beside the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from neonpay.core.limits import GET_UPDATES_LIMIT

if TYPE_CHECKING:
    from neonpay.simulator.world import Postbox

Feed: TypeAlias = Callable[[dict[str, object]], Awaitable[object]]
"""Takes an ``Update`` as JSON and returns when it was handled."""
_WAIT_S = 50


@asynccontextmanager
async def feeding(box: Postbox, feed: Feed) -> AsyncIterator[None]:
    """Inside the block, each update is handled by ``feed``, one after the other, and confirmed when that has returned.

    Raises:
        Exception: what ``feed`` raised. The block is left then, and the update is still there.
    """

    async def run() -> None:
        while True:
            for update in await box.poller.poll(offset=0, limit=GET_UPDATES_LIMIT, timeout_s=_WAIT_S):
                await feed(update.body)
                box.queue.confirm(update)

    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(run())
            try:
                yield
            finally:
                running.cancel()
    except ExceptionGroup as failed:
        # One of the two: a block that is left by an error ends the feeding, and the other way round.
        raise failed.exceptions[0] from None
