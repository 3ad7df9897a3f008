"""The web application, put together from the frame and what extensions bring."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.clock import Clock, SystemClock
from neonpay.core.secrecy import guard_logs
from neonpay.errors import ExtensionError
from neonpay.extensions import ExtensionSpec, installed, load
from neonpay.monitoring.health import LEDGER_S
from neonpay.monitoring.monitor import Monitor
from neonpay.monitoring.routes import METRICS, READY, may_read, routes
from neonpay.monitoring.settings import MonitoringSettings
from neonpay.settings import settings_of
from neonpay.web.access.cookies import give
from neonpay.web.access.door import DOOR, Door
from neonpay.web.access.entrance import ENTER, LOGIN, entrance
from neonpay.web.access.forms import checked
from neonpay.web.access.known import KNOWN, KnownSessions
from neonpay.web.access.peer import host_name, is_loopback, networks
from neonpay.web.beside import BESIDE, Beside, Besides
from neonpay.web.counting import Counting, keep_counted
from neonpay.web.failures import told_in_a_page
from neonpay.web.guard import add_headers, guard
from neonpay.web.layout import Layout
from neonpay.web.margin import COUNTED, margin
from neonpay.web.mount import HEALTH, HOME
from neonpay.web.navigation import NAVIGATION, PAGES, Navigation, Routes
from neonpay.web.overview import OVERVIEW, Overview
from neonpay.web.pages import login
from neonpay.web.pages.live.feed import FEED, Feed
from neonpay.web.part import FRAME, Part
from neonpay.web.reading import PATIENCE
from neonpay.web.rendering import IS_SAMPLE, STATIC
from neonpay.web.shops import SHOPS, Shops
from neonpay.web.streams import end_streams_of
from neonpay.web.turns import end_turn, in_turns
from neonpay.web.waiting import Counted

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from neonpay.app import NeonPayCore

logger = logging.getLogger("neonpay.web")

_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def create_dashboard_app(
    neonpay: NeonPayCore,
    *more: NeonPayCore,
    specs: Sequence[ExtensionSpec] | None = None,
    names: Collection[str] = (),
    watches_loops: bool = True,
    open_here: bool = True,
    only_looks: bool = False,
    trusted_proxies: Collection[str] = (),
    address: str | None = None,
    clock: Clock | None = None,
    patience_s: float = LEDGER_S,
    is_sample: bool = False,
    beside: Sequence[Beside] = (),
) -> web.Application:
    """The dashboard of a shop, to be served alone or mounted: ``server.add_subapp("/shop/", …)``.

    Beside the pages it answers ``/healthz``, ``/readyz`` and ``/metrics``. While it is served, the rollups of reports are
    kept up to date, unless ``only_looks`` or the role of the shop is to read.

    An extension whose pages cannot be loaded or made is told of on the first page, and the rest is served.

    Args:
        neonpay: the shop. Whoever made it opens and closes it.
        more: the other bots of its ledger that the pages are to show.
        specs: the extensions that may show pages; all that are installed when left out.
        names: host names beside ``localhost`` by which browsers reach the pages; addresses need not be given.
        watches_loops: False in a program that takes up no work, whose loops never start.
        open_here: whether whoever sits at this machine needs not sign in while no account has a password. Say False where a
            proxy on this machine brings readers from elsewhere.
        only_looks: True to have nobody change anything.
        trusted_proxies: addresses and networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` count.
        address: where owners reach it, such as ``https://shop.example``, for links that the bot sends them. When left out, they
            are sent under a name in ``names`` or the address that the connection came to.
        clock: what says when sessions end; the machine's when left out.
        patience_s: how long a page waits for the ledger before it says that it is blind.
        is_sample: True where no Star of the ledger is a real one, as in `neonpay demo --dashboard`; every page says so.
        beside: what answers other programs under the same address, such as a centre that bots send to.

    Raises:
        ConfigurationError: a trusted proxy is no address.
    """
    guard_logs()  # a dashboard may be all that its program has
    errors: list[ExtensionError] = []
    if specs is None:
        there = installed()
        specs = [found.spec for found in there if found.spec is not None]
        errors += [found.error for found in there if found.error is not None]
    parts: list[tuple[str, Part]] = [named for each in beside for named in each.parts]
    helps: dict[str, str] = {name: "" for name, _ in parts}
    for spec in specs:
        if spec.pages is None:
            continue
        try:
            parts.append((spec.name, _part(neonpay, spec)))
            helps[spec.name] = spec.help
        except ExtensionError as error:
            errors.append(error)
    sellers = [each.program.pipeline for each in (neonpay, *more)] if watches_loops else []
    app = web.Application(middlewares=[in_turns(sellers), told_in_a_page, guard(names), checked, entrance, margin])
    is_local_only = open_here and all(is_loopback(host_name(name)) for name in names)
    clock = clock or SystemClock()
    app[COUNTED] = Counted(clock)
    app[DOOR] = Door(
        clock,
        networks(trusted_proxies),
        is_open_here=is_local_only,
        only_looks=only_looks,
        address=address,
        names=frozenset(host_name(name) for name in names),
    )
    app[KNOWN] = KnownSessions()
    app[FRAME] = Layout()
    app[PATIENCE] = patience_s
    app[IS_SAMPLE] = is_sample
    app[BESIDE] = Besides(beside)
    app[NAVIGATION] = Navigation(parts)
    app[SHOPS] = Shops([neonpay, *more])
    app[FEED] = Feed(app[SHOPS])
    app.on_response_prepare.extend([add_headers, give, end_turn])
    end_streams_of(app)
    keep_counted(app, Counting(is_under_way=not only_looks))
    overview = app[OVERVIEW] = Overview(neonpay, parts, helps, errors, watches_loops=watches_loops)

    programs = [each.program for each in (neonpay, *more)]
    watching = Monitor(programs, settings_of(MonitoringSettings, "monitoring"), watches_loops=watches_loops)

    async def healthz(request: web.Request) -> web.Response:
        health = await overview.health()
        told = health.as_json() if may_read(request, watching.settings.token) else {"ok": health.is_well}
        return web.json_response(told, status=200 if health.is_well else 503)

    app.router.add_routes(login.routes())
    for each in beside:
        app.router.add_routes(each.routes)
    for row in PAGES:
        app.router.add_routes(_routes(row.routes))
    health = app.router.add_resource(HEALTH)
    health.add_route("GET", healthz)
    app[HOME] = health
    app.add_routes(routes(watching, with_health=False))
    for file in files("neonpay.web").joinpath("static").iterdir():
        app.router.add_get(f"{STATIC}/{file.name}", _file(file.read_bytes(), _KINDS[Path(file.name).suffix]))
    for name, part in parts:
        app.router.add_get(f"/{name}", _to_its_first_page)
        app.add_subapp(f"/{name}/", part.app)
    return app


def _part(neonpay: NeonPayCore, spec: ExtensionSpec) -> Part:
    """Raises ExtensionError: the pages cannot be loaded or made."""
    if f"/{spec.name}" in {HEALTH, METRICS, READY, LOGIN, ENTER, *(row.path for row in PAGES)}:
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
