"""How often something is tried again, when, and after what."""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import ParamSpec, Self, TypeAlias, TypeGuard, TypeVar, cast

from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError

P = ParamSpec("P")
T = TypeVar("T")

WorthIt: TypeAlias = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]
"""Kinds of errors that are worth another attempt, or a function that says so of an error."""

_FACTOR_MOST = 100.0
_EXPONENT_MOST = 64
"""So that no number of failures overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What is tried again, how often and after which pauses: a value, a decorator, and a loop.

    The pause after attempt *n* is ``first_pause_s * factor ** (n - 1)``, at most ``most_pause_s``, of which chance takes away
    up to the share ``jitter``, so that many who failed together do not come back together. An error with a ``retry_after_s``,
    as Telegram's code 429 has it, says itself when: the pause is that long. When no attempt is left, or the next one would
    begin later than ``total_s`` after the first, the last error is raised as it is. What is no ``Exception``, such as a
    cancellation, is never tried again.

    Attributes:
        on: what is worth another attempt; nothing else is tried again. A call to Telegram without an answer may have been
            done, so ``TelegramUnreachableError`` belongs here only where doing it twice does no harm.
        attempts: how many there are at most, the first included; None for any number.
        first_pause_s: the pause after the first attempt.
        factor: how many times as long each next pause is, 1–100.
        most_pause_s: the longest pause.
        jitter: the share of a pause that chance may take away, 0–1.
        total_s: seconds after the beginning of the first attempt from which on none begins; None for no end.
        now_s: seconds of a clock that never goes back.
        sleep: waits so many seconds, for what is awaited.
        sleep_sync: waits so many seconds, for plain functions and plain loops.
        chance: a number from 0 to 1, 1 excluded.

    Raises:
        ValidationError: a number is out of its range.
    """

    on: WorthIt
    attempts: int | None = 5
    first_pause_s: float = 0.1
    factor: float = 2.0
    most_pause_s: float = 5.0
    jitter: float = 0.5
    total_s: float | None = 45.0
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    sleep_sync: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        least_s = self.first_pause_s if _is_number(self.first_pause_s, 0) else 0.0
        for field, is_right, bound in (
            (
                "on",
                _is_worth_it(self.on),
                "a kind of Exception, a tuple of several, or a function that is given the error",
            ),
            (
                "attempts",
                self.attempts is None or is_whole(self.attempts, 1, 2**31),
                "a whole number, 1 or more, or None",
            ),
            ("first_pause_s", least_s == self.first_pause_s, "0 seconds or more"),
            ("factor", _is_number(self.factor, 1, _FACTOR_MOST), f"between 1 and {_FACTOR_MOST:.0f}"),
            ("most_pause_s", _is_number(self.most_pause_s, least_s), "first_pause_s or more"),
            ("jitter", _is_number(self.jitter, 0, 1), "between 0 and 1"),
            ("total_s", self.total_s is None or _is_number(self.total_s, 0), "0 seconds or more, or None"),
        ):
            if not is_right:
                raise ValidationError(field, getattr(self, field), bound)

    def is_worth_it(self, error: BaseException) -> bool:
        """Whether an error is one of ``on``."""
        if not isinstance(error, Exception):
            return False
        return isinstance(error, self.on) if isinstance(self.on, type | tuple) else self.on(error)

    def pause_s(self, attempt: int, error: BaseException | None = None) -> float:
        """Seconds from the end of an attempt, of which the first is 1, to the next one; for what keeps its own count."""
        asked_s = getattr(error, "retry_after_s", None)
        if _is_number(asked_s, 0) and asked_s:
            return float(asked_s)
        exponent = min(max(attempt, 1) - 1, _EXPONENT_MOST)
        full_s = min(self.most_pause_s, self.first_pause_s * self.factor**exponent)
        return full_s * (1 - self.jitter + self.jitter * self.chance())

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function, tried again as the policy says; a coroutine function stays one.

        So does a plain function that returns a coroutine, such as a ``lambda``: what its awaiting raises is tried again.

        Raises:
            ValidationError: it is a generator, of which no line has run when it returns; or it cannot be called, or is a
                ``staticmethod``, which belongs above the policy.
        """
        given: object = function
        if not callable(given) or isinstance(given, staticmethod):
            raise ValidationError(
                "function", function, "a function; @staticmethod and @classmethod belong above the policy"
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ValidationError("function", function, "no generator: write a loop over the policy inside it")
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004

            @functools.wraps(function)
            async def again(*args: P.args, **kwargs: P.kwargs) -> object:
                async for attempt in self:
                    with attempt:
                        return await cast("Callable[P, Awaitable[object]]", function)(*args, **kwargs)
                raise AssertionError  # pragma: no cover  # the last attempt returns or raises

            return cast("Callable[P, T]", again)

        @functools.wraps(function)
        def again_sync(*args: P.args, **kwargs: P.kwargs) -> T:
            for attempt in self:
                with attempt:
                    made = function(*args, **kwargs)
                    if not inspect.iscoroutine(made):
                        return made
                    return cast("T", self._awaited(made, functools.partial(function, *args, **kwargs)))
            raise AssertionError  # pragma: no cover  # the last attempt returns or raises

        return again_sync

    async def _awaited(self, made: Awaitable[object], make: Callable[[], object]) -> object:
        async for attempt in self:
            with attempt:
                return await (made if attempt.error is None else cast("Awaitable[object]", make()))
        raise AssertionError  # pragma: no cover  # the last attempt returns or raises

    def __aiter__(self) -> Attempts:
        """``async for attempt in policy:`` with ``with attempt:`` inside; ends after the attempt that was well."""
        return Attempts(self)

    def __iter__(self) -> Attempts:
        """``for attempt in policy:`` with ``with attempt:`` inside, where waiting blocks the thread."""
        return Attempts(self)


def _is_number(value: object, least: float, most: float = math.inf) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_worth_it(on: object) -> bool:
    kinds = on if isinstance(on, tuple) else (on,)
    are_kinds = bool(kinds) and all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds)
    return are_kinds or (callable(on) and not isinstance(on, type))


class Attempts:
    """The attempts at one thing, one after another with the pauses between them."""

    __slots__ = ("_at", "_began_s", "_policy")

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._began_s = policy.now_s()
        self._at: Attempt | None = None

    def __aiter__(self) -> Attempts:
        return self

    async def __anext__(self) -> Attempt:
        attempt = self._following()
        if attempt is None:
            raise StopAsyncIteration
        if attempt.error is not None:
            await self._policy.sleep(attempt.after_s)
        return attempt

    def __iter__(self) -> Attempts:
        return self

    def __next__(self) -> Attempt:
        attempt = self._following()
        if attempt is None:
            raise StopIteration
        if attempt.error is not None:
            self._policy.sleep_sync(attempt.after_s)
        return attempt

    def _following(self) -> Attempt | None:
        self._at = Attempt(self._policy, 1, began_s=self._began_s) if self._at is None else self._at.next
        return self._at


class Attempt:
    """One attempt, a context manager: what its block raises is kept back when another attempt follows.

    Attributes:
        number: the first is 1.
        after_s: the pause before it.
        error: what the attempt before it has raised; None for the first.
    """

    __slots__ = ("_began_s", "_policy", "after_s", "error", "next", "number")

    def __init__(
        self, policy: RetryPolicy, number: int, *, began_s: float, after_s: float = 0.0, error: Exception | None = None
    ) -> None:
        self._policy = policy
        self._began_s = began_s
        self.number = number
        self.after_s = after_s
        self.error = error
        self.next: Attempt | None = None
        """The attempt that follows; None when this one was well, or was the last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        policy = self._policy
        if not isinstance(error, Exception) or self.number == policy.attempts or not policy.is_worth_it(error):
            return False
        pause_s = policy.pause_s(self.number, error)
        if policy.total_s is not None and policy.now_s() - self._began_s + pause_s > policy.total_s:
            return False
        self.next = Attempt(policy, self.number + 1, began_s=self._began_s, after_s=pause_s, error=error)
        return True
