"""Where the dashboard is mounted: ``/`` when it runs alone, ``/shop/`` after ``add_subapp("/shop/", app)``.

Paths in our code and templates begin with ``/`` and mean the dashboard; ``url`` makes addresses of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

HEALTH: Final = "/healthz"
HOME: Final = web.AppKey("HOME", web.AbstractResource)
"""The resource at ``HEALTH``, which knows where it was mounted."""


def prefix(request: web.Request) -> str:
    """What comes before every path of the dashboard: empty, or ``/shop``."""
    return request.config_dict[HOME].canonical.removesuffix(HEALTH)


def url(request: web.Request, path: str, query: Mapping[str, str] | None = None) -> str:
    """The address of a path of the dashboard, for links and redirects."""
    return f"{prefix(request)}{path}" + (f"?{urlencode(query)}" if query else "")


def place(request: web.Request) -> str:
    """The path that was asked for, as the dashboard calls it."""
    return request.path.removeprefix(prefix(request)) or "/"
