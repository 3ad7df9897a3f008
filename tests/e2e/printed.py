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
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from neonpay import create_neonpay
from neonpay.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from neonpay.simulator import BotAccount, Buyer, Simulator

LEASE_S = 2
GRACE_S = 2
START_S = 90.0
"""A program loads its library, and a web framework, which takes seconds on a slow machine."""
_POINTS = '''
"""Every bot library asks the address in SIMULATED_TELEGRAM; nothing else changes."""
import importlib.abc, importlib.util, os, sys

URL = os.environ["SIMULATED_TELEGRAM"]


def _aiogram(module):
    for name in ("base", "file"):
        path = {"base": "/bot{token}/{method}", "file": "/file/bot{token}/{path}"}[name]
        object.__setattr__(module.PRODUCTION, name, URL + path)


def _telebot(module):
    module.API_URL, module.FILE_URL = URL + "/bot{0}/{1}", URL + "/file/bot{0}/{1}"


def _ptb(module):
    begin = module.ApplicationBuilder.__init__

    def init(self):
        begin(self)
        self._base_url, self._base_file_url = URL + "/bot", URL + "/file/bot"

    module.ApplicationBuilder.__init__ = init


AFTER = {
    "aiogram.client.telegram": _aiogram,
    "telebot.apihelper": _telebot,
    "telebot.asyncio_helper": _telebot,
    "telegram.ext._applicationbuilder": _ptb,
}


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        change = AFTER.pop(name, None)
        if change is None:
            return None
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
'''


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


async def is_delivered_and_right(folder: Path, bot: BotAccount, charge_id: str) -> None:
    """The ledger that a program has left says that the payment is delivered, and ``neonpay verify`` finds nothing."""
    url = f"sqlite:///{folder / 'neonpay.db'}"
    async with create_neonpay(bot.token, database_url=url, reconcile_every_s=None, role="reads") as shop:
        assert {(job.consumer, job.state) for job in await shop.jobs.of(charge_id)} == {("handler:deliver", "done")}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["verify", "--database", url])
    assert done.exit_code == 0, done.output
