"""What a handler may do so that its effects happen once."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Payment, PaymentResult

if TYPE_CHECKING:
    import sqlalchemy as sa

    from neonpay.payments.jobs import Job, JobBook

R = TypeVar("R", bound="JsonValue")


class PaymentContext:
    """One attempt of one handler at one payment.

    Attributes:
        result: what the handler was given.
        attempt: 1 for the first one.
    """

    __slots__ = ("_enlisted", "_job", "_jobs", "_loop", "_memo", "attempt", "result")

    def __init__(self, jobs: JobBook, job: Job, result: PaymentResult) -> None:
        self._jobs = jobs
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._enlisted: list[tuple[sa.Executable, Mapping[str, object] | None]] = []
        self._memo: dict[str, JsonValue] | None = None
        self.result = result
        self.attempt = job.attempts

    @property
    def payment(self) -> Payment:
        """The whole fact of the payment."""
        return self.result.payment

    @property
    def idempotency_key(self) -> str:
        """The same text for every attempt of this handler at this payment; give it to services that take one."""
        return f"{self.payment.bot_id}:{self.payment.charge_id}:{self._job.consumer}"

    def enlist(self, statement: sa.Executable, parameters: Mapping[str, object] | None = None) -> None:
        """Have a statement executed in the very transaction that marks this handler as done.

        Both happen or neither: the statement takes effect exactly once, however often the handler runs. It runs on the
        ledger's database, after the handler has returned, and not at all when the handler raises.
        """
        self._enlisted.append((statement, parameters))

    @property
    def enlisted(self) -> list[tuple[sa.Executable, Mapping[str, object] | None]]:
        """The statements in the order in which they were enlisted."""
        return self._enlisted

    @overload
    async def step(self, name: str, function: Callable[..., Awaitable[R]], *args: Any) -> R: ...
    @overload
    async def step(self, name: str, function: Callable[..., R], *args: Any) -> R: ...
    async def step(self, name: str, function: Callable[..., Awaitable[R] | R], *args: Any) -> R:
        """Call a function once over all attempts of this handler, and give back what it returned, from then on from memory.

        The result must be JSON; it is stored when the function has returned. A process killed between the two calls the
        function again, so give services ``idempotency_key`` plus the name of the step where they take one.

        Raises:
            TypeError: the result is not JSON; the function was called, and its result is not remembered.
        """
        memo = await self._remembered()
        if name not in memo:
            # A plain function may block, so it runs in a thread; one that gives back an awaitable is awaited here.
            outcome = (
                function(*args) if inspect.iscoroutinefunction(function) else await asyncio.to_thread(function, *args)
            )
            value = await outcome if inspect.isawaitable(outcome) else outcome
            memo[name] = await self._jobs.remember(self._job, name, value)
        return cast("R", memo[name])

    def step_sync(self, name: str, function: Callable[..., R], *args: Any) -> R:
        """``step`` for a handler that is a plain function: it waits, and the function runs in the handler's own thread.

        Raises:
            TypeError: the result is not JSON; the function was called, and its result is not remembered.
            RuntimeError: the caller runs on the event loop, which waiting would block; nothing was called.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            msg = "step_sync() is for handlers that are plain functions; in an async one, await ctx.step(...)"
            raise RuntimeError(msg)
        memo = asyncio.run_coroutine_threadsafe(self._remembered(), self._loop).result()
        if name not in memo:
            keeping = self._jobs.remember(self._job, name, function(*args))
            memo[name] = asyncio.run_coroutine_threadsafe(keeping, self._loop).result()
        return cast("R", memo[name])

    async def _remembered(self) -> dict[str, JsonValue]:
        if self._memo is None:
            self._memo = await self._jobs.steps(self._job)
        return self._memo
