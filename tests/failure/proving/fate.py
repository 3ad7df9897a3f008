"""The points at which a shop may die: the seams that any program has around its handlers, clock, calls and SQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from aiogram import BaseMiddleware, Bot, Dispatcher
from aiogram.client.session.middlewares.base import BaseRequestMiddleware
from aiogram.types import TelegramObject, Update

from neonpay.core.clock import SystemClock
from tests.looking import between_looks

if TYPE_CHECKING:
    from tests.failure.proving.life import Life

_HOUR_US = 3_600_000_000


class Fate:
    """Kills the process when its time has come; a ledger's thread may be the one that reaches the point."""

    def __init__(self, life: Life) -> None:
        self._crash_at = life.crash_at
        self._passes = life.crash_on
        self._left = life.fuse

    def reach(self, point: str) -> None:
        if self._left is not None:
            self._left -= 1
        if point == self._crash_at:
            self._passes -= 1
        if self._left == 0 or self._passes == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MovingClock:
    """A clock that is ahead, and jumps by an hour when it is told to."""

    def __init__(self, fate: Fate, ahead_s: float) -> None:
        self._fate, self._ahead_us, self._system = fate, int(ahead_s * 1_000_000), SystemClock()

    def now_us(self) -> int:
        self._fate.reach("clock")
        return self._system.now_us() + self._ahead_us

    def jump(self, hours: int) -> None:
        self._ahead_us += hours * _HOUR_US


class AroundUpdates(BaseMiddleware):
    """Stands outside neonpay's own middleware."""

    def __init__(
        self, fate: Fate, delivered: Callable[[], Awaitable[None]] | None, *, waits_for_confirmation: bool
    ) -> None:
        self._fate = fate
        self._delivered = delivered
        self._waits_for_confirmation = waits_for_confirmation

    async def __call__(
        self, handler: Callable[..., Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> object:
        is_payment = isinstance(event, Update) and event.message is not None and event.message.successful_payment
        if is_payment:
            self._fate.reach("payment received")
            while self._waits_for_confirmation and (await data["bot"].get_webhook_info()).pending_update_count:
                await between_looks()
            self._fate.reach("payment confirmed")
        outcome = await handler(event, data)
        if is_payment:
            self._fate.reach("payment recorded")
            if self._delivered is not None:
                await self._delivered()
            self._fate.reach("payment delivered")
        return outcome

    def stand(self, dispatcher: Dispatcher) -> None:
        """Take the first place, which neonpay's middleware has given itself."""
        registered = dispatcher.update.outer_middleware
        others = list(registered)
        for other in others:
            registered.unregister(other)
        for each in (self, *others):
            registered.register(each)


class AroundCalls(BaseRequestMiddleware):
    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    async def __call__(self, make_request: Any, bot: Bot, method: Any) -> Any:
        self._fate.reach(f"before {method.__api_method__}")
        answer = await make_request(bot, method)
        self._fate.reach(f"after {method.__api_method__}")
        return answer


def around_statements(fate: Fate) -> None:
    """Every statement that goes through SQLAlchemy is a point."""

    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def _after(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        fate.reach("statement")
        if "shop_effects" in statement and "delivered" in str(parameters):
            fate.reach("enlisted statement executed")
