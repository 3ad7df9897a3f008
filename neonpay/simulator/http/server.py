"""The HTTP face of the Bot API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.simulator.wire.encoding import read_params

if TYPE_CHECKING:
    from neonpay.simulator.http.doorway import Doorway
    from neonpay.simulator.wire.params import Params

_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
"""A file that somebody uploaded is no page of the simulator's, whatever is in it."""


def add_bot_api(app: web.Application, doorway: Doorway) -> None:
    """Answer every path that has no route of its own; to be called last."""

    async def serve(request: web.Request) -> web.StreamResponse:
        async def params() -> Params:
            return await read_params(request.rel_url.raw_query_string, request.headers, request.content)

        reply = await doorway.answer(request.path, params)
        if reply.fate != "sent":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # goes nowhere: the connection is gone
        headers = dict(_HEADERS)
        if reply.retry_after_s is not None:
            headers["Retry-After"] = str(reply.retry_after_s)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type, headers=headers)

    app.router.add_route("*", "/{path:.*}", serve)
