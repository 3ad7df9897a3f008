"""A manager over a ledger: what it is told is written in batches behind it, and figures are read beside whoever sells."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from neonpay.analytics.managers.roster import roster
from neonpay.analytics.managers.stores import forget_some, keep_in, kinds_told
from neonpay.core.clock import Clock
from neonpay.core.ports import Adapter
from neonpay.errors import LedgerClosedError, LedgerError
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.loop_thread import LoopThread
from neonpay.tracking import SoftEvent
from neonpay.tracking.buffer import SoftBuffer
from neonpay.tracking.forgetting import forget_told
from neonpay.tracking.money import MONEY

T = TypeVar("T")

logger = logging.getLogger("neonpay.analytics")

LIMIT_S: Final = 30.0
"""How long a question may take."""
_AT_ONCE: Final = 500
_EVERY_S: Final = 1.0
_OVER: Final = "this manager was closed; make another one"


class HasLedger(Protocol):
    """What of ``pipeline`` is needed."""

    @property
    def ledger(self) -> Ledger:
        """The ledger of the moment."""
        ...


class Program(Protocol):
    """What of ``neonpay.program`` is needed."""

    @property
    def pipeline(self) -> HasLedger:
        """The pipeline of the moment, which is another one after a close."""
        ...

    @property
    def adapter(self) -> Adapter:
        """What says which bot it is."""
        ...


class Shop(Protocol):
    """What of ``NeonPayCore`` is needed."""

    @property
    def program(self) -> Program:
        """What the program is made of."""
        ...


class LedgerStore:
    """Events and figures in a ledger.

    It works in a thread of its own, so it may be called from a program's event loop: a question blocks that loop for as long as
    it takes, and an event never.

    Args:
        ledger: the ledger of the moment.
        closes: whether the ledger is this store's, and closed with it.
        clock: by which it is told once a minute what was shed.
    """

    def __init__(self, ledger: Callable[[], Ledger], *, closes: bool, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self._ledger = ledger
        self._closes = closes
        self._is_over = False
        """Whether it was closed, and its ledger with it."""
        self._limit_s = limit_s
        self._buffer = SoftBuffer(clock=clock)
        self._starting = threading.Lock()
        self._has_said_beside = False
        self._thread: LoopThread | None = None
        self._writing: asyncio.Lock | None = None
        self._next: asyncio.TimerHandle | None = None
        """When what came during the last writing is written."""

    @classmethod
    def of_url(cls, database_url: str, *, clock: Clock) -> LedgerStore:
        """A store over the ledger of a URL, whose tables are made when they are missing; raises ConfigurationError."""
        ledger = open_ledger(database_url, clock=clock)
        return cls(lambda: ledger, closes=True, clock=clock)

    @classmethod
    def of_shop(cls, shop: Shop, *, clock: Clock) -> LedgerStore:
        """A store over the ledger of a program that sells."""
        return cls(lambda: shop.program.pipeline.ledger, closes=False, clock=clock)

    @property
    def shed(self) -> int:
        """How many events there was no room for."""
        return self._buffer.shed

    def keep(self, event: SoftEvent) -> None:
        """Take one event; it is written within about a second, or with the next question. One that comes too late is shed."""
        if self._is_over:
            self._buffer.lose(1, _OVER)
            return
        self._at_work()
        self._buffer.put(event)

    def write(self, events: Sequence[SoftEvent]) -> int:
        """Take events and have them kept on return, and what was taken before them; how many were not there yet."""

        async def write() -> int:
            await self._flush()
            return await self._write(list(events))

        return self._wait(write)

    def read(self, unit: Callable[[Transaction], T]) -> T:
        """What a unit of work makes of the ledger and of all that was taken.

        Raises:
            LedgerTimeoutError: it took too long.
            LedgerError: the ledger cannot be used.
        """

        async def read() -> T:
            await self._flush()
            return await self._ledger().apart.report(self._limit_s, unit)

        return self._wait(read)

    def clean(self, before: datetime) -> int:
        """Forget the events of before a time, a few at a time; how many that were. Payments stay."""

        async def clean() -> int:
            await self._flush()
            ledger = self._ledger().apart
            bots = (await ledger.read(roster)).sides.all
            forgotten = 0
            for bot, kind in await ledger.read(kinds_told, bots):
                while gone := await ledger.run(forget_some, bot, kind, before, _AT_ONCE):
                    forgotten += gone
            return forgotten

        return self._wait(clean)

    def forget(self, bot_id: int, user_id: int, at_us: int) -> None:
        """Nothing that was told of a bot up to a time names a person, or will; payments and sums of Stars stay."""

        async def forget() -> None:
            await self._flush()
            await self._ledger().apart.run(_forget, bot_id, user_id, at_us)

        self._wait(forget)

    def close(self) -> None:
        """Write what waits, and end the thread.

        Raises:
            LedgerError: the ledger cannot be used, and what waits is lost.
        """
        self._is_over = self._closes
        if self._thread is None:
            return
        try:
            self._wait(self._flush)
        finally:
            if self._closes:
                self._wait(self._ledger().close)
            self._buffer.disconnect()
            self._thread.close()
            self._thread = None

    def _at_work(self) -> LoopThread:
        if self._thread is not None and self._thread.is_of_this_process:
            return self._thread
        if self._thread is None and self._is_over:
            raise LedgerClosedError(_OVER)
        with self._starting:
            if self._thread is None or not self._thread.is_of_this_process:
                if self._thread is not None:
                    self._buffer.begin_in_child()
                self._thread = LoopThread(name="neonpay-analytics")
                self._writing = asyncio.Lock()
                self._next = None
                self._buffer.connect(self._wake, lambda: None)
            return self._thread

    def _wake(self) -> None:
        if self._thread is not None:
            loop = self._thread.loop
            loop.call_soon_threadsafe(loop.call_later, _EVERY_S, self._write_soon)

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._at_work().submit(work()).result()

    def _write_soon(self) -> None:
        self._next = None
        self._behind = asyncio.get_running_loop().create_task(self._write_behind())

    async def _write_behind(self) -> None:
        try:
            await self._flush()
        except LedgerError as error:
            logger.warning("events of analytics wait for the ledger: %s", error)
            asyncio.get_running_loop().call_later(_EVERY_S, self._write_soon)

    async def _flush(self) -> None:
        """Write all that waits by now; what could not be written goes on waiting, as what comes meanwhile does."""
        assert self._writing is not None, "it is made with the thread"
        async with self._writing:
            left = len(self._buffer)
            while left > 0 and (batch := self._buffer.take()):
                left -= len(batch)
                await self._write(batch)
                self._buffer.wrote()
            if not self._buffer.may_rest() and self._next is None:
                self._next = asyncio.get_running_loop().call_later(_EVERY_S, self._write_soon)

    async def _write(self, events: Sequence[SoftEvent]) -> int:
        new, beside = await self._ledger().apart.run(_keep, events)
        if beside is not None and not self._has_said_beside:
            self._has_said_beside = True
            logger.warning(
                "payments of %s are told, and count beside those of the bots that this ledger has (%s); if it is one of these, "
                "tell of it by that id or @username, so that each payment counts once",
                *beside,
            )
        return new


def _keep(transaction: Transaction, events: Sequence[SoftEvent]) -> tuple[int, tuple[str, str] | None]:
    """Keep events under the numbers of the bots that their words mean in this ledger; how many were not there yet.

    And, when money is told of another bot than those whose payments are here, that bot and these.
    """
    known = roster(transaction)
    meant = [replace(one, bot_id=known.aliases.get(one.bot_id, one.bot_id)) for one in events]
    new = keep_in(transaction, meant)
    own = set(known.sides.ledger)
    others = [one.bot_id for one in meant if one.kind in MONEY and one.bot_id not in own]
    if not own or not others:
        return new, None
    called = roster(transaction).bots.get(others[0])
    ours = ", ".join(f"{bot.number} {bot.name}" for bot in known.bots.values() if bot.number in own)
    return new, (called.bot_id if called is not None else str(others[0]), ours)


def _forget(transaction: Transaction, bot_id: int, user_id: int, at_us: int) -> None:
    forget_told(transaction, roster(transaction).aliases.get(bot_id, bot_id), user_id, at_us)
