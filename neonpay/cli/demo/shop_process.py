"""The example shop in a process of its own, which can be killed like any other."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

SHOP = Path(__file__).with_name("aiogram_shop.py")
_STOP_S = 10.0
_LOG_LINES = 15

T = TypeVar("T")


class ShopDiedError(RuntimeError):
    """The shop's process ended by itself; the message holds the end of its log."""


class ShopProcess:
    """One shop, started, killed and started again.

    Args:
        folder: where it runs and keeps its database.
        token: the bot's; handed over in the environment.
        api_url: the Telegram that it talks to.
        admin_id: who may refund.
        program: the shop.
    """

    def __init__(self, folder: Path, *, token: str, api_url: str, admin_id: int, program: Path = SHOP) -> None:
        self._program = program
        self._folder = folder
        self._log = folder / "shop.log"
        self._environment = {
            **os.environ,
            "BOT_TOKEN": token,
            "TELEGRAM_API_URL": api_url,
            "ADMIN_ID": str(admin_id),
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def database_url(self) -> str:
        """The shop's database, to read it."""
        return f"sqlite:///{(self._folder / 'shop.db').as_posix()}?mode=ro"

    async def start(self) -> None:
        """Run the shop; what it prints goes to a log in its folder."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(self._program), cwd=self._folder, env=self._environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        """End the process on the spot: SIGKILL, so that it can neither finish nor tidy up anything."""
        await self._end(how="kill")

    async def stop(self) -> None:
        """Ask the process to end, and kill it when it does not."""
        await self._end(how="terminate")

    async def while_it_lives(self, what: Awaitable[T]) -> T:
        """The result of ``what``.

        Raises:
            ShopDiedError: the shop ended before.
        """
        assert self._process is not None, "the shop was started before"
        waiting = asyncio.ensure_future(what)
        dying = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({waiting, dying}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                msg = f"the shop ended by itself with code {dying.result()}:\n{self.last_words()}"
                raise ShopDiedError(msg)
            return waiting.result()
        finally:
            waiting.cancel()
            dying.cancel()

    def last_words(self) -> str:
        """The end of the shop's log."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])

    async def _end(self, *, how: str) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.kill() if how == "kill" else process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
