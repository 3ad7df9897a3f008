"""aiogram's bot in the process of the simulator."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods.base import Response
from typing_extensions import override

from neonpay.simulator.clients import NOWHERE
from neonpay.simulator.wire.params import Params, Upload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiogram import Bot
    from aiogram.methods import TelegramMethod
    from aiogram.methods.base import TelegramType
    from aiogram.types import InputFile

    from neonpay.simulator.http.doorway import Doorway, ReadParams, Reply

_DISCONNECTED: Final = "ServerDisconnectedError: Server disconnected"
"""What aiogram's own session says of a connection that was closed."""


@cache
def hold_answer_model(returning: object) -> object:
    """Keep aiogram's model of the answers that bring this.

    aiogram asks pydantic for it at every call, and pydantic forgets it as soon as nobody holds it; making it again takes ten
    times as long as the rest of a call in one process.
    """
    model: object = Response.__class_getitem__(returning)  # type: ignore[arg-type]
    return model


class InProcessSession(BaseSession):
    """Takes aiogram's calls to a simulator in the same event loop.

    Values are written as for the wire and answers are read from their JSON, so that a bot sees what it would see over HTTP.
    """

    def __init__(self, doorway: Doorway, *, test_environment: bool = False) -> None:
        test = "test/" if test_environment else ""
        super().__init__(
            TelegramAPIServer(
                base=f"{NOWHERE}/bot{{token}}/{test}{{method}}", file=f"{NOWHERE}/file/bot{{token}}/{test}{{path}}"
            )
        )
        self._doorway = doorway

    @override
    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        async def params() -> Params:
            return await self._written(bot, method)

        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                reply = await self._ask(url, params)
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="Request timeout error") from error
        if reply.fate != "sent":
            raise TelegramNetworkError(method=method, message=_DISCONNECTED)
        hold_answer_model(method.__returning__)
        response = self.check_response(bot, method, reply.status, reply.body.decode())
        return response.result  # type: ignore[return-value] # check_response raises unless there is one

    @override
    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        async def nothing() -> Params:
            return Params()

        reply = await self._ask(url, nothing)
        if raise_for_status and reply.status >= 400:  # noqa: PLR2004 - HTTP
            raise FileNotFoundError(f"{reply.status}: no such file")
        for start in range(0, len(reply.body), chunk_size):
            yield reply.body[start : start + chunk_size]

    @override
    async def close(self) -> None:
        """There is nothing to close."""

    async def _ask(self, url: str, params: ReadParams) -> Reply:
        await asyncio.sleep(0)  # other tasks have a turn, as they have while a request travels
        return await self._doorway.answer(unquote(urlsplit(url).path), params)

    async def _written(self, bot: Bot, method: TelegramMethod[TelegramType]) -> Params:
        files: dict[str, InputFile] = {}
        params = Params()
        for name, value in method.model_dump(warnings=False).items():
            if value is None:
                continue
            # Numbers are half of all values, and json.dumps, which aiogram asks, takes ten times as long to write one.
            if type(value) is int:
                params.values[name] = str(value)
            elif type(value) is bool:
                params.values[name] = "true" if value else "false"
            elif text := self.prepare_value(value, bot=bot, files=files):
                params.values[name] = text
        for name, file in files.items():
            content = b"".join([chunk async for chunk in file.read(bot)])
            params.files[name] = Upload(file.filename or name, content)
        return params
