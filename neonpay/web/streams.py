"""Answers that do not end by themselves, such as streams of events, end when the dashboard does."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

_ENDING: Final = web.AppKey("ENDING", asyncio.Event)


def end_streams_of(app: web.Application) -> None:
    """Have the streams of an application end at its shutdown, and not when their readers go."""
    app[_ENDING] = asyncio.Event()

    async def end(app: web.Application) -> None:
        app[_ENDING].set()

    app.on_shutdown.append(end)


def ending(request: web.Request) -> asyncio.Event:
    """Set when the dashboard ends: a stream waits for its next event or for this, whichever comes first, and returns."""
    return request.config_dict[_ENDING]
