"""Soft events into the ledger: small batches, about once a second, by a task that is there only while something waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from neonpay.core.retrying import RetryPolicy
from neonpay.core.text import error_words
from neonpay.errors import LedgerClosedError, LedgerError
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.patience import AWAY
from neonpay.tracking.buffer import SoftBuffer
from neonpay.tracking.forgetting import kept_of
from neonpay.tracking.rows import insert_soft
from neonpay.tracking.soft_event import SoftEvent

logger = logging.getLogger("neonpay.tracking")

EVERY_S: Final = 1.0
"""How long an event waits for others to be written with."""
_AGAIN = RetryPolicy(on=LedgerError, attempts=None, first_pause_s=1.0, most_pause_s=30.0, jitter=0.0, total_s=None)
_STOP_S: Final = 1.0


class SoftWriter:
    """Writes what waits in a buffer to one ledger, on one event loop."""

    def __init__(self, buffer: SoftBuffer, ledger: Ledger, *, every_s: float = EVERY_S) -> None:
        self._buffer = buffer
        self._ledger = ledger
        self._every_s = every_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_full = asyncio.Event()
        self._writing = asyncio.Lock()

    def start(self) -> None:
        """Write from now on, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._buffer.connect(self._wake, self._hurry)

    async def stop(self) -> None:
        """Write what waits, if the ledger takes it, and nothing more."""
        if self._loop is None:
            return
        self._loop = None
        self._buffer.disconnect()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_STOP_S)
        try:
            await self.write()
        except LedgerError as exc:
            logger.warning("%d soft events could not be written: %s", len(self._buffer), exc)

    async def write(self) -> None:
        """Write what waits by now; what comes meanwhile waits for others that it is written with.

        Raises:
            LedgerError: the ledger is away; what waits goes on waiting.
        """
        async with self._writing:
            left = len(self._buffer)
            while left > 0 and (batch := self._buffer.take()):
                left -= len(batch)
                try:
                    await self._ledger.run(self._write, batch)
                except (*AWAY, LedgerClosedError):
                    raise
                except Exception as exc:  # noqa: BLE001  # it would be refused again, and what is behind it never written
                    logger.error("soft events were refused: %s", error_words(exc))  # noqa: TRY400  # the words say it
                    self._buffer.give_up()
                else:
                    self._buffer.wrote()

    def _write(self, transaction: Transaction, batch: list[SoftEvent]) -> None:
        kept = kept_of(transaction, batch)
        insert_soft(transaction, kept)
        if self._buffer.also is not None:
            self._buffer.also(transaction, kept)

    def _wake(self) -> None:
        self._soon(self._begin)

    def _hurry(self) -> None:
        self._soon(self._is_full.set)

    def _soon(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop has ended; whoever opens the shop anew writes
            self._loop = None

    def _begin(self) -> None:
        if self._loop is not None and (self._task is None or self._task.done()):
            self._task = self._loop.create_task(self._write_out(), name="neonpay soft events")
            self._task.add_done_callback(self._ended)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        # Somebody has cancelled it, as a program does that cancels all its tasks in order to end; or it has nothing to do.
        if self._loop is not None and not self._buffer.may_rest():
            self._loop.call_later(self._every_s, self._begin)

    async def _write_out(self) -> None:
        failures = 0
        while True:
            # Between two batches the host's own tasks have their turn.
            pause_s = _AGAIN.pause_s(failures) if failures else self._every_s
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await (asyncio.sleep(pause_s) if failures else self._is_full.wait())
            self._is_full.clear()
            try:
                await self.write()
            except LedgerError as exc:
                failures += 1
                if failures == 1:
                    logger.warning("%d soft events wait for the ledger: %s", len(self._buffer), exc)
                continue
            failures = 0
            if self._buffer.may_rest():
                return
