"""A server between a command and the simulator: a Telegram whose clock is off, or that knows a bot in one environment only."""

from __future__ import annotations

from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from neonpay.core.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neonpay.simulator import Simulator


@asynccontextmanager
async def front_of(
    telegram: Simulator, *, ahead_s: int = 0, only_test_environment: bool | None = None
) -> AsyncIterator[str]:
    """Its address.

    Args:
        ahead_s: how many seconds its clock is ahead of this machine's.
        only_test_environment: the environment that has the bot, True for the test one; None for both.
    """
    async with aiohttp.ClientSession() as session:

        async def pass_on(request: web.Request) -> web.Response:
            headers = {"Date": formatdate(SystemClock().now_us() / 1e6 + ahead_s, usegmt=True)}
            if only_test_environment is not None and ("/test/" in request.path) is not only_test_environment:
                refused = {"ok": False, "error_code": 401, "description": "Unauthorized"}
                return web.json_response(refused, status=401, headers=headers)
            async with session.post(f"{telegram.base_url}{request.path}", json=await request.json()) as answer:
                return web.json_response(await answer.json(), status=answer.status, headers=headers)

        app = web.Application()
        app.router.add_post("/{tail:.*}", pass_on)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
