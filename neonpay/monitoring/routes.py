"""``/metrics``, ``/readyz`` and ``/healthz``: what a watching program asks for, and who may read it.

Whether the shop is well is told to everybody who reaches it, as probes come from other addresses. Figures and reasons are for
this machine, and for whoever has the token. A request that a proxy brings is not from this machine, even when the proxy is.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.errors import ConfigurationError
from neonpay.installing import install_line
from neonpay.monitoring.health import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.monitoring.monitor import Monitor

METRICS: Final = "/metrics"
READY: Final = "/readyz"
HEALTH: Final = "/healthz"
_FORWARDING: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_NOT_INSTALLED: Final = 501
_NOT_READY: Final = 503


def routes(monitor: Monitor, *, with_health: bool = True) -> Sequence[web.RouteDef]:
    """The routes of a monitor.

    Args:
        with_health: whether ``/healthz`` is among them.
    """

    async def metrics(request: web.Request) -> web.Response:
        if not may_read(request, monitor.settings.token):
            return _refused()
        try:
            from neonpay.monitoring.exposition import exposition
        except ModuleNotFoundError as error:
            if error.name != "prometheus_client":
                raise
            return web.Response(
                status=_NOT_INSTALLED, text=f"metrics need prometheus-client: {install_line('metrics')}\n"
            )
        body, kind = exposition(monitor, await monitor.look(), request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    async def readyz(request: web.Request) -> web.Response:
        found = await monitor.readiness()
        told = found.as_json() if may_read(request, monitor.settings.token) else {"ready": found.is_ready}
        return _json(told, is_well=found.is_ready)

    async def healthz(request: web.Request) -> web.Response:
        found = await look(monitor.watched[0], watches_loops=monitor.watches_loops)
        told = found.as_json() if may_read(request, monitor.settings.token) else {"ok": found.is_well}
        return _json(told, is_well=found.is_well)

    health = [web.get(HEALTH, healthz)] if with_health else []
    return [web.get(METRICS, metrics), web.get(READY, readyz), *health]


def may_read(request: web.Request, token: str | None) -> bool:
    """Whether whoever asks sits at this machine, or has the token."""
    words = request.headers.getall("Authorization", ())
    if token and len(words) == 1:
        kind, _, given = words[0].partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(
            given.strip().encode("utf-8", "surrogateescape"), token.encode()
        ):
            return True
    # A proxy that says nothing of itself asks by HTTP/1.0 or passes the name on, and so does a page whose name leads here.
    if any(name in request.headers for name in _FORWARDING) or request.version < (1, 1):
        return False
    name = request.url.host or ""
    return _is_loopback(request.remote or "") and (name == "localhost" or _is_loopback(name))


def require_metrics() -> None:
    """Raises ConfigurationError when what the metrics need is not installed."""
    try:
        import prometheus_client as _  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        msg = f"metrics need prometheus-client; run: {install_line('metrics')}"
        raise ConfigurationError(msg) from error


def _refused() -> web.Response:
    words = (
        "the metrics are for this machine, and for who sends Authorization: Bearer TOKEN (NEONPAY_MONITORING_TOKEN)\n"
    )
    return web.Response(status=401, text=words, headers={"WWW-Authenticate": "Bearer"})


def _json(told: object, *, is_well: bool) -> web.Response:
    return web.json_response(told, status=200 if is_well else _NOT_READY, headers={"Cache-Control": "no-store"})


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
