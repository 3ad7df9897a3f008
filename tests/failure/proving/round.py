"""One round: a crowd buys, workers sell and are killed, everything else goes wrong too, and then the books are looked at."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from neonpay.ledger import Ledger, open_ledger
from neonpay.simulator import BotAccount, Buyer, RunningClock, Simulator
from tests.failure.proving.balancer import Balancer
from tests.failure.proving.crowd import Crowd
from tests.failure.proving.life import Life
from tests.failure.proving.nursery import Nursery, Process
from tests.failure.proving.remains import create_effects, read_remains, unfinished
from tests.failure.proving.scenario import Scenario, draw_doom
from tests.failure.proving.servers import MortalPostgres
from tests.failure.proving.tally import Tally
from tests.failure.proving.weather import Weather

_LEASE_S = 3.0
_AFTERWARDS_S = 3 * 3600.0
"""How far the clocks of the last lives are ahead: leases have run out and pauses are over, also after a clock that jumped."""
_HOUR_S = 3600.0
_POLL_S = 0.5
_FULL_FOR_S = 1.0
_SETTLE_S = 60.0
_PAYMENTS_PER_FAULT = 25


@dataclass
class Round:
    """Everything that one round needs.

    Args:
        folder: for sockets and the service's file; empty, and its path short.
        server: the PostgreSQL server, for a scenario that kills it.
    """

    scenario: Scenario
    nursery: Nursery
    database_url: str
    folder: Path
    seed: int
    server: MortalPostgres | None = None
    tally: Tally = field(default_factory=Tally)
    _telegram: Simulator = field(init=False, repr=False)
    _account: BotAccount = field(init=False, repr=False)
    _crowd: Crowd = field(init=False, repr=False)
    _living: set[Process] = field(default_factory=set, init=False, repr=False)
    _ahead_s: float = field(default=0.0, init=False)
    _repair: asyncio.Future[None] | None = field(default=None, init=False, repr=False)

    async def run(self) -> Tally:
        """The figures; what is wrong is in them."""
        random, began = Random(self.seed), monotonic()  # noqa: S311 - the same choices for the same seed
        ledger = open_ledger(self.database_url)
        await ledger.run(create_effects)
        try:
            async with Simulator(seed=self.seed, clock=RunningClock()) as self._telegram:
                self._account = self._telegram.bot("shop_bot")
                self._crowd = Crowd(self._telegram, self._account, random)
                if self.scenario.workers == 1:
                    await self._sell(random, ledger)
                else:
                    sockets = [self.folder / f"{slot}" for slot in range(self.scenario.workers)]
                    async with Balancer(sockets, random=random) as balancer:
                        await self._telegram.post_to(self._account, balancer.url)
                        await self._sell(random, ledger, balancer)
                        self.tally.faults.update(balancer.happened)
        finally:
            for process in list(self._living):
                await process.stops(signal.SIGKILL)
            await ledger.close()
        self.tally.seconds = monotonic() - began
        return self.tally

    async def _sell(self, random: Random, ledger: Ledger, balancer: Balancer | None = None) -> None:
        first = [await self._start(slot) for slot in range(self.scenario.workers)]
        link = await self._crowd.asks_for_a_link()
        weather = Weather(self._telegram, self._account, random, every=_PAYMENTS_PER_FAULT)
        async with asyncio.TaskGroup() as group:
            troubles = [group.create_task(weather.blows(self._crowd.paid)), *self._troubles(group)]
            slots = [
                group.create_task(self._lives_and_dies(slot, process, random)) for slot, process in enumerate(first)
            ]
            await self._crowd.buys(link, self._enough)
            for task in (*troubles, *slots):
                task.cancel()
        if self._repair is not None:
            await self._repair
        weather.clears()
        if balancer is not None:
            balancer.lost_share = 0.0
        self.tally.faults.update(weather.happened)
        self.tally.outcomes.update(self._crowd.outcomes)
        await self._settle(ledger)

    def _enough(self) -> bool:
        return self._crowd.paid.count >= self.scenario.payments and self._kills >= self.scenario.kills

    @property
    def _is_deployed(self) -> bool:
        return self._crowd.paid.count >= self.scenario.payments // 2

    @property
    def _kills(self) -> int:
        return self.tally.kills.total()

    async def _start(self, slot: int, **settings: Any) -> Process:
        socket = self.folder / f"{slot}"
        socket.unlink(missing_ok=True)
        life = Life(
            **{
                "token": self._account.token,
                "base_url": self._telegram.base_url,
                "database_url": self.database_url,
                "level": self.scenario.level,
                "moves_clock": bool(self.scenario.clock_jumps),
                "ahead_s": self._ahead_s,
                "socket_path": str(socket) if self.scenario.workers > 1 else None,
                "calls_path": str(self.folder / "calls"),
                "thanks": False,
                "waits_for_delivery": False,
                "lease_s": _LEASE_S,
                "poll_s": _POLL_S,
                "handlers": self.scenario.handlers(slot, deployed=self._is_deployed),
                **settings,
            }
        )
        process = await self.nursery.start(life)
        self._living.add(process)
        return process

    async def _lives_and_dies(self, slot: int, process: Process, random: Random) -> None:
        """One worker through all its lives; the first of them is killed from outside."""
        outside_after: int | None = random.randint(1, self.scenario.payments_per_life)
        kind = "from outside"
        while True:
            killed = await self._ends(process, outside_after)
            self._living.discard(process)
            if killed:
                self.tally.kills[kind] += 1
            else:
                # Without a database it cannot start, and says so; whatever runs it starts it again.
                status = await process.ended()
                assert self.scenario.server_kills, f"a shop that nobody killed has ended, with status {status}"
                self.tally.faults["could not start"] += 1
            if self._kills >= self.scenario.kills:
                outside_after, process = None, await self._start(slot)
                continue
            doom = draw_doom(self.scenario, random)
            outside_after, kind = doom.outside_after, doom.kind
            process = await self._start(slot, crash_at=doom.crash_at, crash_on=doom.crash_on, fuse=doom.fuse)

    async def _ends(self, process: Process, outside_after: int | None) -> bool:
        """Wait for the end of a life, and bring it about when it is to come from outside; whether it was killed."""
        if outside_after is not None:
            paid = asyncio.ensure_future(self._crowd.paid.reach(self._crowd.paid.count + outside_after))
            ended = asyncio.ensure_future(process.ended())
            try:
                await asyncio.wait({paid, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                paid.cancel()
                ended.cancel()
            process.gets(signal.SIGKILL)
        status = await process.ended()
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def _troubles(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        scenario = self.scenario
        planned: tuple[tuple[int, Callable[[], Any]], ...] = (
            (scenario.server_kills, self._kill_server),
            (scenario.disk_fills, self._fill_disk),
            (scenario.clock_jumps, self._jump),
        )
        return [group.create_task(self._spread(times, trouble)) for times, trouble in planned if times]

    async def _spread(self, times: int, trouble: Callable[[], Any]) -> None:
        """Have a trouble so many times, spread over the round."""
        for number in range(times):
            await self._crowd.paid.reach(self.scenario.payments * (number + 1) // (times + 1))
            await trouble()

    async def _kill_server(self) -> None:
        assert self.server is not None, "this scenario kills a server, and has none"
        self._repair = asyncio.ensure_future(self._kill_and_revive(self.server))
        await asyncio.shield(self._repair)

    async def _kill_and_revive(self, server: MortalPostgres) -> None:
        await asyncio.to_thread(server.kill)
        self.tally.server_kills += 1
        await server.revive()

    async def _fill_disk(self) -> None:
        """For a while, no process can write to a file."""
        hard = resource.RLIM_INFINITY
        full = [process for process in self._living if process.is_alive]
        for process in full:
            _limit_files(process, (0, hard))
        self.tally.disk_fills += 1
        await asyncio.wait({asyncio.ensure_future(process.ended()) for process in full}, timeout=_FULL_FOR_S)
        for process in full:
            _limit_files(process, (hard, hard))

    async def _jump(self) -> None:
        """All clocks go an hour ahead, back, an hour back, and ahead again."""
        hours = (1, -1, -1, 1)[self.tally.clock_jumps % 4]
        self._ahead_s += hours * _HOUR_S
        for process in self._living:
            process.gets(signal.SIGUSR1 if hours > 0 else signal.SIGUSR2)
        self.tally.clock_jumps += 1

    async def _settle(self, ledger: Ledger) -> None:
        """Let shops that nobody kills come to an end with everything, and compare."""
        for process in list(self._living):
            await process.stops(signal.SIGKILL)
            self._living.discard(process)
        last = [
            await self._start(slot, moves_clock=True, ahead_s=_AFTERWARDS_S) for slot in range(self.scenario.workers)
        ]
        await self._delivered()
        owner = self._telegram.user("Owner")
        await self._books(owner)
        async with asyncio.timeout(_SETTLE_S):
            while await ledger.read(unfinished):
                await asyncio.wait({asyncio.ensure_future(last[0].ended())}, timeout=0.05)
        self.tally.audit(await self._books(owner))
        for process in last:
            self._living.discard(process)
            status = await process.stops()
            if status:
                self.tally.wrong.append(f"a shop that was asked to stop ended with status {status}")
        self.tally.compare(
            self._telegram.payments(self._account),
            self._telegram.balance(self._account),
            await ledger.read(read_remains),
            self._calls(),
            is_hostile=self.scenario.is_hostile,
        )

    async def _delivered(self) -> None:
        """Wait until Telegram has nothing more to tell; a webhook that failed is tried again when its time has come."""
        for _ in range(20):
            try:
                await self._telegram.idle(self._account, timeout_s=3)
            except TimeoutError:
                await self._telegram.advance(_SETTLE_S)
            else:
                return
        await self._telegram.idle(self._account)

    async def _books(self, owner: Buyer) -> dict[str, Any]:
        await owner.says("/books", to=self._account)
        message = await owner.hears(self._account, timeout_s=_SETTLE_S)
        books: dict[str, Any] = json.loads(message.text or "")
        return books

    def _calls(self) -> Counter[tuple[str, str]]:
        with (self.folder / "calls").open() as lines:
            return Counter((word, charge) for word, charge in (line.split() for line in lines))


def _limit_files(process: Process, limits: tuple[int, int]) -> None:
    with suppress(ProcessLookupError):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
