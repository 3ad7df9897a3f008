"""An event loop in a thread of its own, for callers that have none or another one."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")

logger = logging.getLogger("neonpay.ledger")

_CLOSE_S, _JOIN_S = 5.0, 1.0


class LoopThread:
    """Runs coroutines for other threads until it is closed.

    Args:
        name: of the thread, as debuggers show it.
    """

    def __init__(self, *, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._process = os.getpid()
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        # Here and not in close(), whose caller may have a running loop of its own.
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the thread's loop; the future has its outcome."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    @property
    def is_of_this_process(self) -> bool:
        """Whether the thread is here; a process that is forked off has the object and not the thread."""
        return self._process == os.getpid()

    def close(self) -> None:
        """Stop the loop and end the thread; what still runs is cancelled, and what does not end then is left to itself."""
        if self.loop.is_closed() or not self.is_of_this_process:
            return
        cancelling = self.submit(_cancel_others())
        wait([cancelling], timeout=_CLOSE_S)
        if not cancelling.done():
            logger.error("something in the thread %s does not end; it is left to itself", self._thread.name)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_JOIN_S)


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
