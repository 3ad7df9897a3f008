"""python-telegram-bot in the process of the simulator."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import unquote, urlsplit

from telegram.error import NetworkError, TimedOut
from telegram.ext import ApplicationBuilder
from telegram.request import BaseRequest
from typing_extensions import override

from neonpay.simulator.clients import NOWHERE
from neonpay.simulator.wire.params import Params, Upload

if TYPE_CHECKING:
    from telegram.request import RequestData

    from neonpay.simulator.http.doorway import Doorway

_READ_TIMEOUT_S: Final = 5.0
"""The library's own default."""


class InProcessRequest(BaseRequest):
    """Takes the calls of python-telegram-bot to a simulator in the same event loop.

    Of the timeouts, the one for reading counts: nothing has to be connected or written.
    """

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    @property
    @override
    def read_timeout(self) -> float | None:
        return _READ_TIMEOUT_S

    @override
    async def initialize(self) -> None:
        """There is nothing to open."""

    @override
    async def shutdown(self) -> None:
        """There is nothing to close."""

    @override
    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = BaseRequest.DEFAULT_NONE,
        write_timeout: object = BaseRequest.DEFAULT_NONE,
        connect_timeout: object = BaseRequest.DEFAULT_NONE,
        pool_timeout: object = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        async def params() -> Params:
            return _written(request_data)

        is_default = read_timeout is BaseRequest.DEFAULT_NONE
        limit_s = _READ_TIMEOUT_S if is_default else cast("float | None", read_timeout)
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.sleep(0)  # other tasks have a turn, as they have while a request travels
                reply = await self._doorway.answer(unquote(urlsplit(url).path), params)
        except TimeoutError as error:
            raise TimedOut from error
        if reply.fate != "sent":
            raise NetworkError("the server closed the connection without an answer")
        return reply.status, reply.body


AnyBuilder: TypeAlias = "ApplicationBuilder[Any, Any, Any, Any, Any, Any]"


def builder_in_process(token: str, doorway: Doorway, *, test_environment: bool) -> AnyBuilder:
    """An ``ApplicationBuilder`` whose application calls the simulator, and polls it."""
    test = "{token}/test" if test_environment else ""
    return (
        ApplicationBuilder()
        .token(token)
        .base_url(f"{NOWHERE}/bot{test}")
        .base_file_url(f"{NOWHERE}/file/bot{test}")
        .request(InProcessRequest(doorway))
        .get_updates_request(InProcessRequest(doorway))
    )


def _written(data: RequestData | None) -> Params:
    params = Params()
    if data is not None:
        params.values.update(data.json_parameters)
        for name, (filename, content, content_type) in (data.multipart_data or {}).items():
            params.files[name] = Upload(filename, _read(content), content_type)
    return params


def _read(content: bytes | IO[bytes]) -> bytes:
    """The bytes of a file that the library may have left open."""
    return content if isinstance(content, bytes) else content.read()
