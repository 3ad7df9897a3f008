"""``GET /`` and what it needs: its files, the photos of messages, and the stream of changes.

Guarded as the control API is: only this machine may look, and the Host header must name it, so that a foreign page cannot have
a browser fetch any of this under a name of its own. Everything a person does on the page goes through ``/_sim/``.
"""

from __future__ import annotations

import asyncio
import json
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.errors import SimulatorTimeoutError
from neonpay.simulator.page.scenario import write_scenario
from neonpay.simulator.page.view import View
from neonpay.simulator.page.wire import Wire
from neonpay.simulator.wire.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neonpay.simulator.files.store import StoredFile
    from neonpay.simulator.world import World

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_SHOWN_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
HEARTBEAT_S: Final = 5.0
"""Real seconds after which the stream looks again though nothing rang, and says that it is alive."""
_GATHER_S: Final = 0.02
"""Least real seconds in which further changes join the same event."""
_RECONNECT_MS: Final = 1_000


def add_page(app: web.Application, world: World, *, from_anywhere: bool) -> None:
    """Add the routes of the page."""
    page = Page(world, from_anywhere=from_anywhere)
    app.router.add_get("/", page.guarded(page.index))
    app.router.add_get("/page/events", page.guarded(page.events))
    app.router.add_get("/page/photos/{file_id}", page.guarded(page.photo))
    app.router.add_get("/page/faces/{account_id:[0-9]{1,19}}", page.guarded(page.face))
    app.router.add_get("/page/invoices/{message_id:[0-9]{1,19}}", page.guarded(page.invoice_picture))
    app.router.add_get("/page/scenarios/{bot_id:[0-9]{1,19}}/{user_id:[0-9]{1,19}}", page.guarded(page.scenario))
    app.router.add_get("/page/{name}", page.guarded(page.asset))
    app.on_shutdown.append(page.stop)


class Page:
    """Serves the page and tells it what changes."""

    def __init__(self, world: World, *, from_anywhere: bool) -> None:
        self._world = world
        self._from_anywhere = from_anywhere
        self._wire = Wire(world)
        self._stopping = False
        world.bell.listen(self._wire.listen)

    def guarded(self, handler: Handler) -> Handler:
        """The handler behind the checks that every route has."""

        async def serve(request: web.Request) -> web.StreamResponse:
            if not self._from_anywhere and not (is_loopback(request.remote) and is_loopback(request.url.host)):
                return web.Response(status=403, text="This page answers only this machine.")
            return await handler(request)

        return serve

    async def index(self, request: web.Request) -> web.Response:
        """The page itself."""
        return _file("index.html")

    async def asset(self, request: web.Request) -> web.Response:
        """A style sheet or a script."""
        return _file(request.match_info["name"])

    async def photo(self, request: web.Request) -> web.Response:
        """A photo that the bot has uploaded."""
        return _picture(self._world.files.find(request.match_info["file_id"]))

    async def face(self, request: web.Request) -> web.Response:
        """The picture of a bot or a person."""
        accounts, number = self._world.accounts, int(request.match_info["account_id"])
        account = accounts.bots.get(number) or accounts.users.get(number)
        return _picture(None if account is None else account.photo)

    async def invoice_picture(self, request: web.Request) -> web.Response:
        """What an invoice was given here, else what stands at its ``photo_url``."""
        return _picture(await self._world.picture_of_invoice(int(request.match_info["message_id"])))

    async def scenario(self, request: web.Request) -> web.Response:
        """The conversation of a bot and a person, as a file."""
        bot = self._world.accounts.bots.get(int(request.match_info["bot_id"]))
        user = self._world.accounts.users.get(int(request.match_info["user_id"]))
        if bot is None or user is None:
            return web.Response(status=404, headers=_HEADERS)
        text = self._world.accounts.hide_tokens(write_scenario(self._world, bot, user))
        named = f'attachment; filename="{bot.username}.scenario.yaml"'
        return web.Response(
            text=text, content_type="application/yaml", headers={**_HEADERS, "Content-Disposition": named}
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: everything there is, then each change, until the page or the simulator goes away."""
        response = web.StreamResponse(headers={**_HEADERS, "Cache-Control": "no-store"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        await response.write(f"retry: {_RECONNECT_MS}\n\n".encode())
        view = View(self._world, self._wire)
        bell = self._world.bell
        try:
            while not self._stopping:
                heard, began = bell.rings, time.monotonic()
                changes = view.changes()
                await response.write(self._event(changes) if changes else b": still here\n\n")
                # Under a flood of changes, looking at them takes a quarter of the time and not all of it.
                await self._next_ring(heard, gather_s=max(_GATHER_S, 3 * (time.monotonic() - began)))
        except ConnectionResetError:
            pass  # the page was closed; aiohttp cancels the handler, or says so like this
        return response

    async def stop(self, app: web.Application) -> None:
        """End every stream."""
        self._stopping = True
        self._world.bell.ring()

    async def _next_ring(self, heard: int, *, gather_s: float) -> None:
        bell = self._world.bell
        try:
            await bell.wait_for(lambda: bell.rings > heard, timeout_s=HEARTBEAT_S, what="a change")
        except SimulatorTimeoutError:
            return
        if not self._stopping:
            await asyncio.sleep(gather_s)

    def _event(self, changes: dict[str, object]) -> bytes:
        text = json.dumps(changes, separators=(",", ":"))
        # Bots may write their token anywhere, an address of a webhook for one: it leaves in no form.
        return f"data: {self._world.accounts.hide_tokens(text)}\n\n".encode()


def _picture(file: StoredFile | None) -> web.Response:
    if file is None or file.content is None or file.content_type not in _SHOWN_IMAGES:
        return web.Response(status=404, headers=_HEADERS)
    return web.Response(body=file.content, content_type=file.content_type, headers=_HEADERS)


def _file(name: str) -> web.Response:
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or "/" in name or "\\" in name or name.startswith("."):
        return web.Response(status=404, headers=_HEADERS)
    file = files("neonpay.simulator.page") / "static" / name
    if not file.is_file():
        return web.Response(status=404, headers=_HEADERS)
    return web.Response(body=file.read_bytes(), content_type=kind, charset="utf-8", headers=_HEADERS)
