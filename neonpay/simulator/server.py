"""The HTTP face: ``/bot<token>/<method>``, ``/bot<token>/test/<method>`` and ``/file/bot<token>/<path>``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.simulator.wire import BodyTooLargeError, MalformedBodyError, read_params

if TYPE_CHECKING:
    from neonpay.simulator.api import Answer, BotApi
    from neonpay.simulator.world import World

_CALL: Final = re.compile(r"/bot([^/]*)/(test/)?([^/]*)/?")
_FILE: Final = re.compile(r"/file/bot([^/]*)/(test/)?(.+)")


def add_bot_api(app: web.Application, api: BotApi, world: World) -> None:
    """Answer every path that has no route of its own; to be called last."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if (match := _CALL.fullmatch(request.path)) is not None:
            if world.test_environment and not match.group(2):
                return _error(401, "Unauthorized")  # tokens of one environment are nobody's in the other
            return await _call(api, request, match.group(1), match.group(3))
        if (match := _FILE.fullmatch(request.path)) is not None:
            if world.test_environment and not match.group(2):
                return _error(401, "Unauthorized")
            return _file(world, match.group(1), match.group(3))
        return _error(404, "Not Found")

    app.router.add_route("*", "/{path:.*}", serve)


async def _call(api: BotApi, request: web.Request, token: str, method: str) -> web.StreamResponse:
    try:
        params = await read_params(request.rel_url.raw_query_string, request.headers, request.content)
    except MalformedBodyError:
        return web.Response(status=400, content_type="application/json")  # SRV: with an empty body
    except BodyTooLargeError:
        return _error(413, "Request Entity Too Large")
    answer = await api.call(token, method, params)
    if answer.fate != "sent":
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # goes nowhere: the connection is gone
    return _sent(answer)


def _sent(answer: Answer) -> web.Response:
    headers = {} if answer.retry_after_s is None else {"Retry-After": str(answer.retry_after_s)}
    return web.Response(
        status=answer.status, text=json.dumps(answer.body), content_type="application/json", headers=headers
    )


def _file(world: World, token: str, path: str) -> web.Response:
    if world.accounts.bot_with_token(token) is None:
        return _error(401, "Unauthorized")
    file = world.files.at_path(path)
    if file is None or file.content is None:
        return _error(404, "Not Found")
    return web.Response(body=file.content, content_type=file.content_type)


def _error(status: int, description: str) -> web.Response:
    body = {"ok": False, "error_code": status, "description": description}
    return web.json_response(body, status=status)
