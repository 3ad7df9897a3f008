"""A server for watching programs alone, in the process of a bot: aiohttp and no pages."""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from neonpay.errors import ConfigurationError
from neonpay.monitoring.monitor import Monitor
from neonpay.monitoring.routes import routes

if TYPE_CHECKING:
    from neonpay.monitoring.settings import MonitoringSettings
    from neonpay.monitoring.watched import Watched

_SHUTDOWN_S: Final = 2.0


class HealthServer:
    """Serves ``/metrics``, ``/readyz`` and ``/healthz`` of one shop, from when it is awaited or entered until it is closed.

    ``server = await neonpay.serve_health(port=9100)`` serves until ``await server.close()`` or the end of the event loop;
    ``async with neonpay.serve_health(port=9100) as server`` serves inside the block.
    """

    def __init__(self, shop: Watched, settings: MonitoringSettings, *, host: str, port: int) -> None:
        self._monitor = Monitor([shop], settings)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it serves, with a slash at the end; raises ConfigurationError while it does not."""
        if self._runner is None or not self._runner.addresses:
            msg = "it serves nothing yet, or nothing more: await it, or enter it with async with"
            raise ConfigurationError(msg)
        name = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{name}:{self._runner.addresses[0][1]}/"

    async def close(self) -> None:
        """Serve nothing more; safe to call again."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def __await__(self) -> Generator[object, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self._start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _start(self) -> Self:
        if self._runner is not None:
            return self
        app = web.Application()
        app.add_routes(routes(self._monitor))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as exc:
            await self.close()
            msg = f"cannot listen on {self._host} port {self._port}: {exc.strerror or exc}; port=0 picks a free one"
            raise ConfigurationError(msg) from exc
        return self
