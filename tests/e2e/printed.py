"""Programs as the pages print them, in processes of their own that can be stopped and killed like any other.

Nothing of a program is altered: what points its library at the simulated Telegram is a ``sitecustomize`` beside it, which
Python runs first.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import STDOUT, create_subprocess_exec
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from neonpay import create_neonpay
from neonpay.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator import BotAccount, Buyer, Simulator

LEASE_S = 2
GRACE_S = 2
START_S = 90.0
"""A program loads its library, and a web framework, which takes seconds on a slow machine."""
_POINTS = (Path(__file__).parent / "pointing.py").read_text(encoding="utf-8")


class Running:
    """A program that runs in a folder, until it is told to stop or is killed.

    Args:
        folder: where it and its ledger are.
        telegram: the Telegram that it talks to.
        environment: what it reads.
        log: name of the file that has what it writes.
    """

    def __init__(self, folder: Path, telegram: Simulator, environment: Mapping[str, str], *, log: str = "log") -> None:
        self.folder = folder
        self._log = folder / log
        (folder / "first").mkdir(exist_ok=True)
        (folder / "first" / "sitecustomize.py").write_text(_POINTS, encoding="utf-8")
        self.environment = {
            **os.environ,
            "NEONPAY_API_URL": telegram.base_url,
            "TELEGRAM_API_URL": telegram.base_url,
            "SIMULATED_TELEGRAM": telegram.base_url,
            "NEONPAY_LEASE_S": str(LEASE_S),
            "NEONPAY_GRACE_S": str(GRACE_S),
            "PYTHONUNBUFFERED": "1",
            **environment,
            "PYTHONPATH": os.pathsep.join([str(folder / "first"), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }

    async def run(self, *command: str) -> None:
        """Run a command of a page to its end, which has to be a good one."""
        await self.start(*command)
        assert await self.ends() == 0, self.log()

    async def start(self, *command: str) -> None:
        """Start a command of a page: ``python`` and the servers are those that run the tests."""
        self._log.unlink(missing_ok=True)
        program, *arguments = command
        module = [] if program == "python" else ["-m", program]
        with self._log.open("ab") as log:
            # A group of its own, so that a kill leaves no worker of a server behind.
            self._process = await create_subprocess_exec(
                *(sys.executable, *module, *arguments),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,
            )

    async def says(self, words: str) -> None:
        """It has written this to its log."""
        async with asyncio.timeout(START_S):
            while not re.search(words, self.log()):
                assert self._process.returncode is None, self.log()
                # What it writes rings no bell here; the end of the wait is the words, and not the time.
                await asyncio.sleep(0.02)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ends(self) -> int:
        """Its exit code."""
        return await self._process.wait()

    async def kill(self) -> None:
        """End it and its workers on the spot, with SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def log(self) -> str:
        """What it has written since it was started."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def heard(buyer: Buyer, bot: BotAccount, words: str) -> int:
    """How often a buyer was told this."""
    return sum(words in (message.text or "") for message in buyer.messages(bot))


async def is_marked_as_delivered(folder: Path, bot: BotAccount, charge_id: str) -> None:
    """The ledger that a program writes says that the payment is delivered, which it does after the buyer was told."""
    url = f"sqlite:///{folder / 'neonpay.db'}"
    async with (
        create_neonpay(bot.token, database_url=url, reconcile_every_s=None, role="reads") as shop,
        asyncio.timeout(START_S),
    ):
        while True:
            states = {job.consumer: job.state for job in await shop.jobs.of(charge_id)}
            if "handler:deliver" in states and set(states.values()) == {"done"}:  # and so is what it had to tell
                return
            # Another process writes it; the end of the wait is the mark, and not the time.
            await asyncio.sleep(0.02)


async def is_right(folder: Path) -> None:
    """``neonpay verify`` finds nothing in the ledger that a program has left."""
    url = f"sqlite:///{folder / 'neonpay.db'}"
    done = await asyncio.to_thread(CliRunner().invoke, app, ["verify", "--database", url])
    assert done.exit_code == 0, done.output
