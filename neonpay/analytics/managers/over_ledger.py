"""A manager over a ledger: what it is told is written in batches behind it, and figures are read beside whoever sells."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from neonpay.analytics.managers.roster import roster
from neonpay.analytics.managers.stores import forget_before, keep_in
from neonpay.core.ports import Adapter
from neonpay.errors import LedgerError
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.loop_thread import LoopThread
from neonpay.tracking import SoftEvent

T = TypeVar("T")

logger = logging.getLogger("neonpay.analytics")

LIMIT_S: Final = 30.0
"""How long a question may take."""
WAITING_MAX: Final = 20_000
"""Events that may wait to be written; what comes when there are more is shed, and counted."""
_AT_ONCE: Final = 500
_EVERY_S: Final = 1.0


class HasLedger(Protocol):
    """What of ``pipeline`` is needed."""

    @property
    def ledger(self) -> Ledger:
        """The ledger of the moment."""
        ...


class Shop(Protocol):
    """What of ``NeonPayCore`` is needed."""

    @property
    def pipeline(self) -> HasLedger:
        """The pipeline of the moment, which is another one after a close."""
        ...

    @property
    def adapter(self) -> Adapter:
        """What says which bot it is."""
        ...


class LedgerStore:
    """Events and figures in a ledger.

    It works in a thread of its own, so it may be called from a program's event loop: a question blocks that loop for as long as
    it takes, and an event never.

    Args:
        ledger: the ledger of the moment.
        closes: whether the ledger is this store's, and closed with it.
    """

    def __init__(self, ledger: Callable[[], Ledger], *, closes: bool, limit_s: float = LIMIT_S) -> None:
        self._ledger = ledger
        self._closes = closes
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._waiting: deque[SoftEvent] = deque()
        self._shed = 0
        self._is_due = False
        self._thread: LoopThread | None = None
        self._writing: asyncio.Lock | None = None

    @classmethod
    def of_url(cls, database_url: str) -> LedgerStore:
        """A store over the ledger of a URL, whose tables are made when they are missing; raises ConfigurationError."""
        ledger = open_ledger(database_url)
        return cls(lambda: ledger, closes=True)

    @classmethod
    def of_shop(cls, shop: Shop) -> LedgerStore:
        """A store over the ledger of a program that sells."""
        return cls(lambda: shop.pipeline.ledger, closes=False)

    @property
    def shed(self) -> int:
        """How many events there was no room for."""
        return self._shed

    def keep(self, event: SoftEvent) -> None:
        """Take one event; it is written within about a second, or with the next question."""
        with self._lock:
            if len(self._waiting) >= WAITING_MAX:
                self._shed += 1
                if self._shed == 1:
                    logger.warning(
                        "events come faster than the ledger takes them, and are shed; get_stats() counts them"
                    )
                return
            self._waiting.append(event)
            if self._is_due:
                return
            self._is_due = True
        loop = self._at_work().loop
        loop.call_soon_threadsafe(loop.call_later, _EVERY_S, self._write_soon)

    def write(self, events: Sequence[SoftEvent]) -> int:
        """Take events and have them kept on return; how many were not there yet."""
        return self._wait(self._write(list(events)))

    def read(self, unit: Callable[[Transaction], T]) -> T:
        """What a unit of work makes of the ledger and of all that was taken.

        Raises:
            LedgerTimeoutError: it took too long.
            LedgerError: the ledger cannot be used.
        """
        return self._wait(self._read(unit))

    def clean(self, before: datetime) -> int:
        """Forget the events of before a time; how many that were. Payments stay."""
        return self._wait(self._ledger().apart.run(forget_before, before))

    def close(self) -> None:
        """Write what waits, and end the thread.

        Raises:
            LedgerError: the ledger cannot be used, and what waits is lost.
        """
        if self._thread is None and not self._closes:
            return
        try:
            self._wait(self._flush())
        finally:
            if self._closes:
                self._wait(self._ledger().close())
            if self._thread is not None:
                self._thread.close()
                self._thread = None

    def _at_work(self) -> LoopThread:
        with self._lock:
            if self._thread is None or not self._thread.is_of_this_process:
                self._thread = LoopThread(name="neonpay-analytics")
                self._writing = asyncio.Lock()
            return self._thread

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._at_work().submit(coroutine).result()

    async def _read(self, unit: Callable[[Transaction], T]) -> T:
        await self._flush()
        ledger = self._ledger().apart
        await ledger.open()
        return await ledger.report(self._limit_s, unit)

    def _write_soon(self) -> None:
        writing = asyncio.get_running_loop().create_task(self._write_behind())
        writing.add_done_callback(lambda done: done.exception())

    async def _write_behind(self) -> None:
        try:
            await self._flush()
        except LedgerError as error:
            logger.warning("events of analytics wait for the ledger: %s", error)
            asyncio.get_running_loop().call_later(_EVERY_S, self._write_soon)

    async def _flush(self) -> None:
        """Write all that waits; what could not be written goes on waiting."""
        assert self._writing is not None, "it is made with the thread"
        async with self._writing:
            while True:
                with self._lock:
                    batch = [self._waiting[place] for place in range(min(_AT_ONCE, len(self._waiting)))]
                    if not batch:
                        self._is_due = False
                        return
                await self._write(batch)
                with self._lock:
                    for _ in batch:
                        self._waiting.popleft()

    async def _write(self, events: Sequence[SoftEvent]) -> int:
        return await self._ledger().apart.run(_keep, events)


def _keep(transaction: Transaction, events: Sequence[SoftEvent]) -> int:
    """Keep events under the numbers of the bots that their words mean in this ledger."""
    aliases = roster(transaction).aliases
    return keep_in(transaction, [replace(one, bot_id=aliases.get(one.bot_id, one.bot_id)) for one in events])
