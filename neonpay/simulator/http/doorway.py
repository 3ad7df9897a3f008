"""What is at an address of the Bot API, whichever way the question came: over HTTP, or from a client in the same process."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from neonpay.simulator.wire.encoding import BodyTooLargeError, MalformedBodyError

if TYPE_CHECKING:
    from neonpay.simulator.http.api import BotApi, Fate
    from neonpay.simulator.wire.params import Params
    from neonpay.simulator.world import World

_CALL: Final = re.compile(r"/bot([^/]*)/(test/)?([^/]*)/?")
_FILE: Final = re.compile(r"/file/bot([^/]*)/(test/)?(.+)")
_JSON: Final = "application/json"

ReadParams: TypeAlias = Callable[[], Awaitable["Params"]]


@dataclass(slots=True, eq=False)
class Reply:
    """What a client gets to see.

    Attributes:
        status: HTTP status.
        body: JSON, or the content of a file.
        content_type: of the body.
        retry_after_s: for the ``Retry-After`` header.
        fate: ``sent``, or how the connection ends instead.
    """

    status: int
    body: bytes
    content_type: str = _JSON
    retry_after_s: int | None = None
    fate: Fate = "sent"


class Doorway:
    """Answers ``/bot<token>/<method>``, ``/bot<token>/test/<method>`` and ``/file/bot<token>/<path>``."""

    def __init__(self, api: BotApi, world: World) -> None:
        self._api = api
        self._world = world

    async def answer(self, path: str, read_params: ReadParams) -> Reply:
        """Do what is asked for at a path; the parameters are read only if there is a method to give them to."""
        if (match := _CALL.fullmatch(path)) is not None:
            if self._world.test_environment and not match.group(2):
                return _refused(401, "Unauthorized")  # tokens of one environment are nobody's in the other
            return await self._call(match.group(1), match.group(3), read_params)
        if (match := _FILE.fullmatch(path)) is not None:
            if self._world.test_environment and not match.group(2):
                return _refused(401, "Unauthorized")
            return self._file(match.group(1), match.group(3))
        return _refused(404, "Not Found")

    async def _call(self, token: str, method: str, read_params: ReadParams) -> Reply:
        try:
            params = await read_params()
        except MalformedBodyError:
            return Reply(400, b"")  # SRV: with an empty body
        except BodyTooLargeError:
            return _refused(413, "Request Entity Too Large")
        # SRV, Query: without a method in the path, the parameters name it.
        answer = await self._api.call(token, method or params.text("method", raw=True), params)
        body = b"" if answer.fate != "sent" else json.dumps(answer.body).encode()
        return Reply(answer.status, body, retry_after_s=answer.retry_after_s, fate=answer.fate)

    def _file(self, token: str, path: str) -> Reply:
        if self._world.accounts.bot_with_token(token) is None:
            return _refused(401, "Unauthorized")
        file = self._world.files.at_path(path)
        if file is None or file.content is None:
            return _refused(404, "Not Found")
        return Reply(200, file.content, file.content_type)


def _refused(status: int, description: str) -> Reply:
    return Reply(status, json.dumps({"ok": False, "error_code": status, "description": description}).encode())
