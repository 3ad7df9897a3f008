"""An address of the Bot API in front of a simulator, at which everything can go wrong that a network does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

from neonpay.simulator import Simulator

TROUBLES = (
    "nobody listens",
    "hangs up",
    "stops in the middle",
    "redirects in a loop",
    "redirects to where nobody is",
    "redirects to no address",
    "answers garbage",
    "answers something else",
    "answers in no known charset",
    "fails and names the address",
    "refuses and names the address",
    "refuses with an unknown code",
)


class TroubledTelegram:
    """The simulator as its bots see it: all is well until ``trouble`` names what is not."""

    def __init__(self, telegram: Simulator) -> None:
        self._telegram = telegram
        self._http = ClientSession()
        self._runner: web.AppRunner | None = None
        self.base_url = ""
        self.trouble = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._telegram, name)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Nobody listens any more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        await self._http.close()

    async def meets(self, trouble: str) -> None:
        """From here on this goes wrong with every call."""
        self.trouble = trouble
        if trouble == "nobody listens":
            await self.stop()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not self.trouble:
            url, body = self._telegram.base_url + request.raw_path, await request.read()
            async with self._http.request(request.method, url, data=body, headers=request.headers) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        if self.trouble == "hangs up":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if self.trouble == "stops in the middle":
            response = web.StreamResponse(headers={"Content-Length": "100000"})
            await response.prepare(request)
            await response.write(b'{"ok": true, "result": "')
            assert request.transport is not None
            request.transport.close()
            return response
        return _in_trouble(self.trouble, request.path)


def _in_trouble(trouble: str, path: str) -> web.Response:
    if trouble.startswith("redirects"):
        to = {"in a loop": path, "to where nobody is": f"http://127.0.0.1:9{path}", "to no address": f"http://[{path}"}
        location = to[trouble.removeprefix("redirects ")]
        return web.Response(status=307, headers={"Location": location})
    if trouble.startswith("answers"):
        return web.Response(
            body={"garbage": f"<h1>{path}</h1>", "something else": f'["{path}"]', "in no known charset": "{}"}[
                trouble.removeprefix("answers ")
            ].encode(),
            headers={
                "Content-Type": "application/json; charset=klingon" if "charset" in trouble else "application/json"
            },
        )
    code = {"fails": 502, "refuses": 400}[trouble.partition(" ")[0]] if "names" in trouble else 418
    return web.json_response({"ok": False, "error_code": code, "description": f"Not here: {path}"}, status=code)


@asynccontextmanager
async def troubled(telegram: Simulator) -> AsyncIterator[TroubledTelegram]:
    front = TroubledTelegram(telegram)
    await front.start()
    try:
        yield front
    finally:
        await front.stop()
