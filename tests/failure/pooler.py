"""pgbouncer, which gives every transaction another connection."""

from __future__ import annotations

import asyncio
import getpass
import os
import pwd
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_PATIENCE_S = 60


@asynccontextmanager
async def pooled(url: str, folder: Path, *, connections: int = 3, others: bool = False) -> AsyncIterator[str]:
    """The database behind ``url`` through a pgbouncer in transaction mode, with so many connections to the server.

    Args:
        others: it leads to every other database of the server as well.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert program is not None, "pgbouncer is not installed; on Debian: apt-get install pgbouncer"
    there = sa.make_url(url)
    host, port, listen = there.query.get("host", there.host), there.port or 5432, _free_port()
    user, password = there.username or getpass.getuser(), there.password or ""
    settings = folder / "pgbouncer.ini"
    users = folder / "users.txt"
    users.write_text(f'"{user}" "{password}"\n')
    server = f"host={host} port={port} user={user} pool_size={connections}"
    settings.write_text(
        f"""[databases]
{there.database} = {server} dbname={there.database}
{f"* = {server}" if others else ""}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
"""
    )
    as_user: dict[str, Any] = {}
    if os.getuid() == 0:  # which pgbouncer refuses to be
        as_user = _owner_of(str(host))
        for path in (settings, users):
            path.chmod(0o644)
        for parent in (folder, *folder.parents):
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    running = await asyncio.create_subprocess_exec(
        *(program, "-q", str(settings)), stderr=asyncio.subprocess.PIPE, **as_user
    )
    try:
        await _until_it_listens(running, listen)
        local = there.difference_update_query(["host"]).set(host="127.0.0.1", port=listen, username=user)
        yield local.render_as_string(hide_password=False)
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


def _owner_of(host: str) -> dict[str, Any]:
    """The user of the server, who alone may open its socket, or one who may do nothing."""
    if host.startswith("/"):
        owner = os.stat(host)
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_it_listens(running: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            if running.returncode is not None:
                raise AssertionError((await running.communicate())[1].decode())
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.to_thread(time.sleep, 0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return
