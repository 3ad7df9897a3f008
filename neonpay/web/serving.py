"""Listening, on this machine alone unless told otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from neonpay.core.whole import is_whole
from neonpay.errors import ConfigurationError

HOST: Final = "127.0.0.1"
PORT: Final = 8081
_PORT_MAX: Final = 65_535
_SHUTDOWN_S: Final = 5.0


@asynccontextmanager
async def serving(app: web.Application, *, host: str = HOST, port: int = PORT) -> AsyncIterator[str]:
    """Serve an application inside the block; its address.

    Args:
        host: address to listen on; whoever reaches another one than a loopback address can read the pages.
        port: 0 picks a free one.

    Raises:
        ConfigurationError: nobody can listen there.
    """
    if not is_whole(port, 0, _PORT_MAX):  # asyncio would listen on another one
        msg = f"port is a whole number up to {_PORT_MAX}, of which 0 picks a free one; got {port!r}"
        raise ConfigurationError(msg)
    # No access log: addresses of pages name people and payments.
    # Nothing here takes a body with a Content-Encoding, and a body that nobody reads need not be unpacked.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S, auto_decompress=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as exc:
            msg = f"cannot listen on {host} port {port}: {exc.strerror or exc}; --port 0 picks a free one"
            raise ConfigurationError(msg) from exc
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def checked_host(host: str) -> str:
    """An address to listen on, before anybody looks whether it is this machine's own.

    Raises:
        ConfigurationError: it is none.
    """
    given: object = host
    if not isinstance(given, str):
        msg = f'host is the address to listen on, such as "{HOST}"; got {host!r}'
        raise ConfigurationError(msg)
    return host
