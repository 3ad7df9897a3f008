"""From whichever event loop a program awaits on to the one of an adapter that has its own."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from neonpay.core.ports import OwnLoop

P = ParamSpec("P")
T = TypeVar("T")


def carried_over(app: object, loop: OwnLoop) -> dict[str, Callable[..., Awaitable[Any]]]:
    """The public coroutine methods of an object by name, each as one that runs on the adapter's loop wherever it is awaited.

    A program may have an event loop beside a bot that has none, for a web server say. Locks and tasks of ours belong to
    one loop, so that what is awaited elsewhere has to cross over.
    """
    kind = type(app)
    return {
        name: _carried(getattr(app, name), loop)
        for name in dir(kind)
        if not name.startswith("_") and inspect.iscoroutinefunction(inspect.getattr_static(kind, name))
    }


def _carried(method: Callable[P, Coroutine[Any, Any, T]], loop: OwnLoop) -> Callable[P, Coroutine[Any, Any, T]]:
    @functools.wraps(method)
    async def crossing(*args: P.args, **kwargs: P.kwargs) -> T:
        if loop.on_loop_thread:
            return await method(*args, **kwargs)
        return await asyncio.wrap_future(loop.run_soon(method(*args, **kwargs)))

    return crossing
