"""Somebody else's code: whatever it raises is a fault of that code, and stops nothing else."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from neonpay.core.text import error_words
from neonpay.errors import HandlerError

T = TypeVar("T")


class ForeignFault(Exception):  # noqa: N818  # it stands for what a handler or a hook has raised
    """Code raised what is meant for the interpreter or the event loop, such as SystemExit, CancelledError or StopIteration."""


def contained(error: BaseException) -> Exception:
    """The error, or one that stands for it, such that it can be raised anywhere without stopping anything.

    Raises:
        CancelledError: whoever waits for the code is being cancelled, which is no fault of the code.
        KeyboardInterrupt: in the main thread it may be Ctrl+C, which stops the program.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
        raise error
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error
    fault = ForeignFault(error_words(error))
    fault.__cause__ = error
    return fault


def call(function: Callable[[], T]) -> T:
    """What the function returned; what it raises is ``contained``."""
    try:
        return function()
    except BaseException as exc:  # noqa: BLE001  # somebody else's code may raise whatever it likes
        error = contained(exc)
    raise error


async def held(outcome: Awaitable[T]) -> T:
    """What was awaited; what it raises is ``contained``."""
    try:
        return await outcome
    except GeneratorExit:
        raise  # the coroutine is being thrown away, with everything that waits for it
    except BaseException as exc:  # noqa: BLE001  # somebody else's code may raise whatever it likes
        error = contained(exc)
    raise error


def words_of(error: BaseException) -> str:
    """What to keep of an error that code has raised."""
    return error_words(error.__cause__ if isinstance(error, ForeignFault) and error.__cause__ else error)


def is_being_cancelled() -> bool:
    """Whether the task that runs here has been asked to end."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False  # a thread without an event loop
    return task is not None and task.cancelling() > 0


def refuse_generator(function: Callable[..., object], what: str) -> None:
    """Raise HandlerError when calling the function would run none of its lines."""
    inner: object = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    called = inner if inspect.isroutine(inner) else getattr(type(inner), "__call__", inner)  # noqa: B004
    if any(inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f) for f in (inner, called)):
        msg = f"{what} has a 'yield' in it, so calling it runs none of its lines; make it a function that returns"
        raise HandlerError(msg)


def refuse_unrun(outcome: object, what: str) -> None:
    """Raise HandlerError when the outcome of a call is code that has not run."""
    if inspect.iscoroutine(outcome):
        outcome.close()
    elif not (inspect.isgenerator(outcome) or inspect.isasyncgen(outcome) or inspect.isawaitable(outcome)):
        return
    msg = f"{what} has returned a {type(outcome).__name__}, so none of its lines has run; return when the work is done"
    raise HandlerError(msg)
