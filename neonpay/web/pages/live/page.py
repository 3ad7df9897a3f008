"""The list of the last events, and the stream of those that come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web

from neonpay.web.access import viewer
from neonpay.web.access.entrance import admitted
from neonpay.web.mount import url
from neonpay.web.pages.live.feed import FEED, Listener
from neonpay.web.pages.live.query import MOST_AT_ONCE, SHOWN, Happened, newest
from neonpay.web.reading import BlindError, read
from neonpay.web.rendering import render, speech, templates
from neonpay.web.scope import scope_of
from neonpay.web.shops import bots_in_scope
from neonpay.web.streams import ending
from neonpay.web.words.events import event_title

_BEAT_S: Final = 15.0
"""A stream says so often at least that it is alive, and asks as often whether its reader may still look."""
_LIFE_S: Final = 600.0
"""A stream ends then; a browser comes again by itself."""
_PATIENCE_S: Final = 10.0
"""How long a reader may take to take what was sent."""


async def show(request: web.Request) -> web.Response:
    """The last events."""
    look = await read(request, newest, bots_in_scope(request))
    return render(
        request,
        "live.html",
        happened=list(reversed(look.happened)),
        event_title=event_title,
        stream=scope_of(request).link("/live/events"),
        reload=scope_of(request).link("/live"),
        script=url(request, "/_/live.js"),
    )


async def stream(request: web.Request) -> web.StreamResponse:
    """Events as they come, each as a line of the list in the reader's language."""
    bots = bots_in_scope(request)
    feed = request.config_dict[FEED]
    last = request.headers.get("Last-Event-ID") or request.query.get("last", "")
    look = await read(request, newest, bots, MOST_AT_ONCE if last else SHOWN)
    if feed.is_full:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "60"})
    response = web.StreamResponse(headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
    response.content_type = "text/event-stream"
    async with feed.listening(bots, look) as listener:  # at once, so that no burst takes more places than there are
        with suppress(TimeoutError, ConnectionError):
            await response.prepare(request)
            # What came between the page and its stream, or while a connection was lost, is told again; the page knows what it
            # has.
            await _send(response, _lines(request, _news(look.happened, last)) or ": here\n\n")
            await _tell(request, response, listener)
    return response


def _news(happened: Sequence[Happened], last: str) -> Sequence[Happened]:
    """What a reader may not have who has come as far as an event: all since then, and among the newest what came late."""
    since = next((one.at for one in happened if one.event_id == last), None)
    late = len(happened) - SHOWN
    return [one for place, one in enumerate(happened) if since is None or one.at >= since or place >= late]


async def _tell(request: web.Request, response: web.StreamResponse, listener: Listener) -> None:
    loop = asyncio.get_running_loop()
    ends_at, asks_at = loop.time() + _LIFE_S, loop.time() + _BEAT_S
    ended = asyncio.ensure_future(_end(request, listener))
    try:
        while not ended.done() and loop.time() < ends_at:
            coming = asyncio.ensure_future(listener.waiting.get())
            await asyncio.wait({coming, ended}, timeout=_BEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if loop.time() >= asks_at:
                asks_at = loop.time() + _BEAT_S
                if not await _may_look_on(request):
                    coming.cancel()
                    return
            if coming.done():
                await _send(response, _lines(request, coming.result()))
            else:
                coming.cancel()
                if not ended.done():
                    await _send(response, ": beat\n\n")
    finally:
        ended.cancel()


async def _may_look_on(request: web.Request) -> bool:
    """False once the reader has signed out, was removed, or is no owner any more."""
    try:
        now = await admitted(request)
    except BlindError:
        return True  # a ledger that does not answer tells nobody anything
    return now is not None and now.name == viewer(request).name


async def _end(request: web.Request, listener: Listener) -> None:
    waits = {asyncio.ensure_future(ending(request).wait()), asyncio.ensure_future(listener.is_let_go.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


async def _send(response: web.StreamResponse, text: str) -> None:
    """Send a text; raises TimeoutError when the reader does not take it."""
    async with asyncio.timeout(_PATIENCE_S):
        await response.write(text.encode())


def _lines(request: web.Request, happened: Sequence[Happened]) -> str:
    row = templates().get_template("live_row.html")
    w, scope = speech(request), scope_of(request)
    told = []
    for one in happened:
        markup = row.render(w=w, scope=scope, one=one, event_title=event_title)
        told.append(f"id: {one.event_id}\ndata: {' '.join(markup.split())}\n\n")
    return "".join(told)
