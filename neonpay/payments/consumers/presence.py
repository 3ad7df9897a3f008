"""What this program tells its shop: which consumers it has, and that it is alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.stages import StageRegistry
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.payments.consumers.declarations import Declarations
from neonpay.payments.consumers.registry import Consumer, ConsumerKind, Roster, read_consumers
from neonpay.payments.consumers.selection import Program
from neonpay.store.loops import Loop, LoopHealth

logger = logging.getLogger("neonpay.payments")

TELL_EVERY_S = 300.0
_AGAIN_S = 1.0
_SILENT = timedelta(seconds=3 * TELL_EVERY_S)
"""How long nothing was heard of a consumer before a program that starts says so."""

_UNDELIVERED = (
    "nobody in this shop delivers: %s. What is paid for that would wait; declare a handler with @neonpay.on_payment before the "
    "bot starts, since a line after bot.infinity_polling(), dp.run_polling() or the like is not reached while it runs"
)


class Presence:
    """Keeps the registry of consumers true as far as this program goes.

    Args:
        changed: called when a declaration has changed who delivers.
        take_up: awaited before the program tells of itself, so that it runs what it says it runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        declarations: Declarations,
        program: Program,
        stages: StageRegistry,
        *,
        bot_id: int,
        changed: Callable[[], None],
        take_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._take_up = take_up
        self._ledger = ledger
        self._declarations = declarations
        self._program = program
        self._stages = stages
        self._bot_id = bot_id
        self._changed = changed
        self._telling = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_more = asyncio.Event()
        self._has_told = False
        self._keeping = Loop("presence", self._turn, first_s=_AGAIN_S, wait=self._wait)
        self.is_behind = False
        """Whether the program has more than it has told."""

    async def open(self) -> None:
        """Declare what the program has, and say what of the shop nobody seems to deliver."""
        await self._tell()
        self._has_told = True
        self._loop = asyncio.get_running_loop()
        self._keeping.start()
        silent, undelivered = await self._ledger.read(self._gaps)
        if undelivered:
            logger.warning(_UNDELIVERED, ", ".join(undelivered))
        for consumer in silent:
            logger.warning(
                "%s is declared in this shop and no program has had it since %s; its payments wait. If it has another name "
                "now: neonpay handlers rename %s NEW; if it is gone for good: neonpay handlers retire %s",
                consumer.consumer,
                f"{consumer.seen_at:%Y-%m-%d %H:%M} UTC",
                consumer.consumer,
                consumer.consumer,
            )

    async def close(self) -> None:
        """Tell nothing more."""
        self._loop = None
        await self._keeping.stop()

    @property
    def health(self) -> LoopHealth:
        """How the loop is that tells."""
        return self._keeping.health

    def soon(self) -> None:
        """The program has one more consumer; may be called from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            self.is_behind = True
            loop.call_soon_threadsafe(self._has_more.set)

    async def catch_up(self) -> None:
        """Declare what is not declared yet."""
        async with self._telling:
            if self.is_behind:
                await self._tell()

    async def consumers(self) -> list[Consumer]:
        """Every consumer of the shop."""
        return await self._ledger.read(read_consumers, self._bot_id)

    async def retire(self, consumer: str, *, drop: bool) -> int:
        """Give a consumer no more payments; see ``neonpay.handlers.retire``."""
        return await self._ledger.run(self._declarations.retire, consumer, drop)

    async def rename(self, old: str, new: str) -> int:
        """Have one consumer take the place of another; see ``neonpay.handlers.rename``."""
        return await self._ledger.run(self._declarations.rename, old, new)

    async def _tell(self) -> None:
        self.is_behind = False
        try:
            await self._take_up()
            if await self._ledger.run(self._declarations.declare, self._program.declarations()):
                self._changed()
            await self._tell_stages()
        except BaseException:
            self.is_behind = True
            raise

    async def _tell_stages(self) -> None:
        changes = self._stages.take_unsaid()
        off_sale = set(await self._ledger.read(self._declarations.off_sale)) if changes else set()
        news = {stage_id: on_sale for stage_id, on_sale in changes.items() if on_sale is (stage_id in off_sale)}
        if news:
            try:
                await self._ledger.run(self._declarations.offer, news)
            except BaseException:
                self._stages.put_back_unsaid(changes)
                raise

    async def _turn(self) -> float:
        if not self._has_told:
            async with self._telling:
                await self._tell()
        self._has_told = False
        return TELL_EVERY_S

    async def _wait(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._has_more.wait()
        self._has_more.clear()

    def _gaps(self, transaction: Transaction) -> tuple[list[Consumer], list[str]]:
        """Consumers of which nothing was heard for long, and stages of this program that nobody delivers."""
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        known = read_consumers(transaction, self._bot_id)
        silent = [row for row in known if row.retired_at is None and row.seen_at < moment(now_us) - _SILENT]
        if not self._program.delivers:
            return silent, []
        roster = Roster(0, known)
        return silent, [stage for stage in self._stages.list() if not roster.names(ConsumerKind.DELIVERS, stage)]
