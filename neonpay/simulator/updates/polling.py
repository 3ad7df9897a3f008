"""getUpdates: long polling, offsets and the two conflicts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from neonpay.simulator.wire.refusal import Refusal, conflict

if TYPE_CHECKING:
    from neonpay.simulator.bell import Bell
    from neonpay.simulator.updates.queue import QueuedUpdate, UpdateQueue

POLLS_AGAIN_S: Final = 2.0
"""Real seconds in which the next poll comes, of a bot that takes its updates in a loop."""


class Poller:
    """The one long poll that a bot may have open."""

    def __init__(self, queue: UpdateQueue, bell: Bell) -> None:
        self._queue = queue
        self._bell = bell
        self._open: asyncio.Future[None] | None = None
        self._answered_at: float | None = None

    @property
    def keeps_polling(self) -> bool:
        """Whether a poll is open, or ended so lately that a bot which polls will be back."""
        if self._open is not None:
            return True
        return self._answered_at is not None and asyncio.get_running_loop().time() - self._answered_at < POLLS_AGAIN_S

    @property
    def waiting(self) -> bool:
        """Whether a poll is open."""
        return self._open is not None

    async def poll(self, *, offset: int, limit: int, timeout_s: int) -> list[QueuedUpdate]:
        """Hand out at most ``limit`` updates; with none there, wait up to ``timeout_s`` real seconds for one.

        An open poll of the same bot ends with 409 (SRV).
        """
        self.interrupt(
            conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
        )
        if self._queue.is_nowhere(offset):
            offset = 0
        self._queue.confirm_before(offset)
        if not self._batch(offset, limit) and timeout_s > 0:
            await self._wait(timeout_s)
        batch = self._batch(offset, limit)
        for update in batch:
            update.delivered_count += 1
        self._answered_at = asyncio.get_running_loop().time()
        return batch

    def interrupt(self, refusal: Refusal | None) -> None:
        """End the open poll, if there is one: with an error, or with an empty answer."""
        if self._open is not None and not self._open.done():
            if refusal is None:
                self._open.set_result(None)
            else:
                self._open.set_exception(refusal)

    def wake(self) -> None:
        """Something was queued."""
        if self._queue.pending():
            self.interrupt(None)

    def _batch(self, offset: int, limit: int) -> list[QueuedUpdate]:
        waiting = self._queue.pending()
        if offset > 0:
            waiting = [update for update in waiting if update.repeats is not None or update.update_id >= offset]
        return waiting[:limit]

    async def _wait(self, timeout_s: int) -> None:
        loop = asyncio.get_running_loop()
        self._open = opened = loop.create_future()
        self._bell.ring()
        timer = loop.call_later(timeout_s, _end, opened)
        try:
            await opened
        finally:
            timer.cancel()
            if opened.done() and not opened.cancelled():
                opened.exception()  # seen, also when the client went away in the same moment
            if self._open is opened:
                self._open = None
                self._bell.ring()


def _end(opened: asyncio.Future[None]) -> None:
    if not opened.done():
        opened.set_result(None)
