"""From whichever event loop a program awaits on to the one where the ledger was opened."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar

from neonpay.core.ports import OwnLoop

P = ParamSpec("P")
T = TypeVar("T")


class Housed(Protocol):
    """What has a home: the event loop that its locks and tasks belong to."""

    def settle(self) -> asyncio.AbstractEventLoop | None:
        """The loop to cross over to from the running one, or None to stay; the home is made here when it is nowhere."""
        ...


def carried_over(app: object, housed: Housed, own_loop: OwnLoop | None) -> dict[str, Callable[..., Awaitable[Any]]]:
    """The public coroutine methods of an object by name, each as one that runs at home wherever it is awaited.

    Locks and tasks of ours belong to one loop, and a program may have several: one beside a bot that has none, one for each
    thread of a web server, one for each request.

    Args:
        own_loop: an adapter that has a loop; home is always there.
    """
    kind = type(app)
    return {
        name: _carried(getattr(app, name), housed, own_loop)
        for name in dir(kind)
        if not name.startswith("_") and inspect.iscoroutinefunction(inspect.getattr_static(kind, name))
    }


def _carried(
    method: Callable[P, Coroutine[Any, Any, T]], housed: Housed, own_loop: OwnLoop | None
) -> Callable[P, Coroutine[Any, Any, T]]:
    @functools.wraps(method)
    async def crossing(*args: P.args, **kwargs: P.kwargs) -> T:
        if own_loop is not None and not own_loop.on_loop_thread:
            return await asyncio.wrap_future(own_loop.run_soon(crossing(*args, **kwargs)))
        home = housed.settle()
        if home is None:
            return await method(*args, **kwargs)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(method(*args, **kwargs), home))

    return crossing
