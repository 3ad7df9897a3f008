"""Starts shops in processes of their own, and hears of their ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.failure.proving.life import Life

_ROOT = Path(__file__).parents[3]
_PROGRAM = "tests.failure.proving.program"


@dataclass(eq=False)
class Process:
    """One shop while it lives and after."""

    pid: int
    _status: Future[int] = field(default_factory=Future, repr=False)

    @property
    def is_alive(self) -> bool:
        return not self._status.done()

    def gets(self, signal_number: int) -> None:
        """Send it a signal, unless it is gone."""
        if self.is_alive:
            with suppress(ProcessLookupError):  # it has ended, and nobody has told us yet
                os.kill(self.pid, signal_number)

    async def ended(self) -> int:
        """Its wait status, once it is gone."""
        return await asyncio.shield(asyncio.wrap_future(self._status))

    async def dies(self) -> None:
        """Wait until it was killed; a shop that ends in any other way is an error."""
        status = await self.ended()
        assert os.WIFSIGNALED(status), f"the shop ended by itself with status {status}"
        assert os.WTERMSIG(status) == signal.SIGKILL

    async def stops(self, signal_number: int = signal.SIGTERM) -> int:
        """End it, gracefully unless told otherwise; its wait status."""
        self.gets(signal_number)
        return await self.ended()


class Nursery:
    """Forks shops out of one process that has everything imported.

    Args:
        log: where shops write what they have to say; this process's own stderr when left out.
    """

    def __init__(self, *, log: IO[str] | None = None) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self._awaited: deque[Future[Process]] = deque()
        self._living: dict[int, Process] = {}
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    async def start(self, life: Life) -> Process:
        """A new shop."""
        assert self._program.stdin is not None
        started: Future[Process] = Future()
        self._awaited.append(started)
        self._program.stdin.write(life.line())
        self._program.stdin.flush()
        return await asyncio.shield(asyncio.wrap_future(started))

    def close(self) -> None:
        """Kill every shop that is left."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.close()
        self._program.wait()
        self._listener.join()
        self._program.stdout.close()

    def _listen(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            word, pid, *status = line.split()
            if word == "started":
                process = self._living[int(pid)] = Process(int(pid))
                self._awaited.popleft().set_result(process)
            else:
                self._living.pop(int(pid))._status.set_result(int(status[0]))  # noqa: SLF001 - made here
