"""``/_sim/``: what time it is, and time that is moved, stopped and let run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.simulator.control import orders
from neonpay.simulator.control.conditions import described_time, described_timer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiohttp import web

    from neonpay.simulator.world import World

    Json = Mapping[str, object]
    Handler = Callable[[web.Request], Awaitable[Json]]


class TimeControl:
    """Moves virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Verb, path under ``/_sim`` and what it does."""
        yield "GET", "/time", self._time
        yield "POST", "/advance", self._advance
        yield "POST", "/time/freeze", self._freeze
        yield "POST", "/time/run", self._run
        yield "POST", "/time/step", self._step

    async def _time(self, request: web.Request) -> Json:
        return described_time(self._world.clock)

    async def _advance(self, request: web.Request) -> Json:
        expired = await self._world.advance((await orders.read(request, orders.Advance)).total_s())
        return {**described_time(self._world.clock), "expired_updates": expired}

    async def _freeze(self, request: web.Request) -> Json:
        await orders.read(request, orders.Nothing)
        self._world.clock.freeze()
        return described_time(self._world.clock)

    async def _run(self, request: web.Request) -> Json:
        await orders.read(request, orders.Nothing)
        self._world.clock.run()
        return described_time(self._world.clock)

    async def _step(self, request: web.Request) -> Json:
        await orders.read(request, orders.Nothing)
        done = await self._world.step()
        happened = None if done is None else described_timer(done, self._world.clock)
        return {**described_time(self._world.clock), "happened": happened}
