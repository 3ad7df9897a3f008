"""The web application, put together from the frame and what extensions bring."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.secrecy import guard_logs
from neonpay.errors import ExtensionError
from neonpay.extensions import ExtensionSpec, installed, load
from neonpay.monitoring.monitor import Monitor
from neonpay.monitoring.routes import METRICS, READY, routes
from neonpay.monitoring.settings import MonitoringSettings
from neonpay.settings import settings_of
from neonpay.web.failures import told_in_a_page
from neonpay.web.guard import add_headers, guard
from neonpay.web.layout import Layout
from neonpay.web.navigation import NAVIGATION, PAGES, Navigation, Routes
from neonpay.web.overview import Overview
from neonpay.web.part import FRAME, Part
from neonpay.web.rendering import STATIC
from neonpay.web.shops import SHOPS, Shops

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from neonpay.app import NeonPayCore

logger = logging.getLogger("neonpay.web")

HEALTH: Final = "healthz"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def create_app(
    neonpay: NeonPayCore,
    *more: NeonPayCore,
    specs: Sequence[ExtensionSpec] | None = None,
    names: Collection[str] = (),
    watches_loops: bool = True,
) -> web.Application:
    """The pages of a shop: ``/``, ``/healthz``, ``/readyz``, ``/metrics``, and what extensions show below ``/NAME``.

    An extension whose pages cannot be loaded or made is told of on the first page, and the rest is served.

    Args:
        neonpay: the shop. Whoever made it opens and closes it.
        more: the other bots of its ledger that the pages are to show.
        specs: the extensions that may show pages; all that are installed when left out.
        names: host names beside ``localhost`` by which browsers reach the pages; addresses need not be given.
        watches_loops: False in a program that takes up no work, whose loops never start.
    """
    guard_logs()  # the loggers of these modules came after the shop
    errors: list[ExtensionError] = []
    if specs is None:
        there = installed()
        specs = [found.spec for found in there if found.spec is not None]
        errors += [found.error for found in there if found.error is not None]
    parts: list[tuple[str, Part]] = []
    helps: dict[str, str] = {}
    for spec in specs:
        if spec.pages is None:
            continue
        try:
            parts.append((spec.name, _part(neonpay, spec)))
            helps[spec.name] = spec.help
        except ExtensionError as error:
            errors.append(error)
    app = web.Application(middlewares=[told_in_a_page, guard(names)])
    app[FRAME] = Layout()
    app[NAVIGATION] = Navigation(parts)
    app[SHOPS] = Shops([neonpay, *more])
    app.on_response_prepare.append(add_headers)
    overview = Overview(neonpay, parts, helps, errors, watches_loops=watches_loops)

    async def healthz(request: web.Request) -> web.Response:
        health = await overview.health()
        return web.json_response(health.as_json(), status=200 if health.is_well else 503)

    if not any(row.path == "/" for row in PAGES):
        app.router.add_get("/", overview.show)
    for row in PAGES:
        app.router.add_routes(_routes(row.routes))
    app.router.add_get(f"/{HEALTH}", healthz)
    watching = Monitor([neonpay, *more], settings_of(MonitoringSettings, "monitoring"), watches_loops=watches_loops)
    app.add_routes(routes(watching, with_health=False))
    for file in files("neonpay.web").joinpath("static").iterdir():
        app.router.add_get(f"{STATIC}/{file.name}", _file(file.read_bytes(), _KINDS[Path(file.name).suffix]))
    for name, part in parts:
        app.router.add_get(f"/{name}", _to_its_first_page)
        app.add_subapp(f"/{name}/", part.app)
    return app


def _part(neonpay: NeonPayCore, spec: ExtensionSpec) -> Part:
    """Raises ExtensionError: the pages cannot be loaded or made."""
    if f"/{spec.name}" in {f"/{HEALTH}", METRICS, READY}:
        raise ExtensionError(spec.name, f"its pages cannot be reached: /{spec.name} is neonpay's own")
    make = load(spec, "pages")
    if not callable(make):
        raise ExtensionError(spec.name, f"{spec.pages} is no function that makes a neonpay.web.Part")
    try:
        part = make(neonpay)
    except ExtensionError:
        raise
    except Exception as exc:
        # Whatever it is, it keeps one extension's pages away and nobody else's.
        logger.exception("the pages of extension %s cannot be made", spec.name)
        raise ExtensionError(spec.name, f"{spec.pages} failed: {type(exc).__name__}; the log says more") from exc
    if not isinstance(part, Part) or not _has_title(part.title):
        raise ExtensionError(spec.name, f"{spec.pages} must return a neonpay.web.Part with an English title")
    if not _is_new_application(part.app):
        raise ExtensionError(
            spec.name, f"the app of the part that {spec.pages} returns must be a new aiohttp.web.Application"
        )
    return part


def _has_title(title: object) -> bool:
    return isinstance(title, Mapping) and bool(title.get("en"))


def _is_new_application(app: object) -> bool:
    return isinstance(app, web.Application) and not app.frozen


async def _to_its_first_page(request: web.Request) -> web.Response:
    raise web.HTTPPermanentRedirect(f"{request.path}/")


def _routes(target: str) -> Iterable[web.AbstractRouteDef]:
    """The routes that a row of ``PAGES`` names."""
    module, _, name = target.partition(":")
    make: Routes = getattr(importlib.import_module(module), name)
    return make()


def _file(body: bytes, kind: str) -> Handler:

    async def send(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": "no-cache"})

    return send
