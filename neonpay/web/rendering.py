"""Pages from templates: what every template may use, and what is true of every page.

Templates escape whatever is put into them; ``markupsafe.Markup`` is what our own macros and charts return. A name that does not
exist is an error and not an empty space.

The dashboard may be mounted below a prefix. ``scope.link("/payments", state="paid")`` and ``url("/settings")`` make addresses
that have it; no ``href`` and no ``action`` is written out. A handler redirects with ``neonpay.web.mount.url(request, …)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from neonpay.web.access.forms import form_token
from neonpay.web.access.viewer import viewer_or_none
from neonpay.web.bar import bar_of
from neonpay.web.mount import place, prefix, url
from neonpay.web.navigation import NAVIGATION, in_group
from neonpay.web.pace import give_way
from neonpay.web.part import FRAME
from neonpay.web.scope import scope_of
from neonpay.web.speech import Speech
from neonpay.web.zones import zone_of

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

_PIECES: Final = 100
"""Pieces of a page that are made without a pause: some milliseconds of work."""
STATIC: Final = "/_"
"""Where style sheets are: no extension can have such a name."""
IS_SAMPLE: Final = web.AppKey("IS_SAMPLE", bool)
"""Whether every page says that its data is a sample's."""


class Page(web.Response):
    """A page that is made piece by piece before it is sent: what else the program does need not wait for all of it."""

    def __init__(self, pieces: Iterator[str], *, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(text="", content_type="text/html", status=status, headers=headers)
        self._pieces = pieces

    async def make(self) -> None:
        """Have all of it; raises what the template raises."""
        made: list[str] = []
        while some := list(islice(self._pieces, _PIECES)):
            made += some
            await give_way()
        if made:
            self.text = "".join(made)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send its beginning; it is made first where nobody has had it made."""
        await self.make()
        return await super().prepare(request)


def speech(request: web.Request) -> Speech:
    """How this reader is spoken to."""
    language = request.config_dict[FRAME].language(request)
    somebody = viewer_or_none(request)
    chosen = zone_of(somebody.zone) if somebody is not None else None
    return Speech(language, UTC) if chosen is None else Speech(language, chosen, chosen.key)


def render(
    request: web.Request,
    template: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> web.Response:
    """A page from a template of ``neonpay/web/templates``, which extends ``base.html``.

    Beside its context a template has ``w`` (a ``Speech``), ``links`` and ``in_group`` for the navigation, ``path``, ``scope``
    (which bots, which period), ``static``, ``url(path)``, ``is_sample``, ``viewer`` (None before anybody has signed
    in) and ``form_token``, which every form that changes something holds by ``{{ m.form_token() }}``.
    """
    w = speech(request)
    links = request.config_dict[NAVIGATION].links(request, w)
    token = form_token(request)
    pieces = (
        templates()
        .get_template(template)
        .generate(
            w=w,
            links=links,
            in_group=in_group,
            path=place(request),
            scope=scope_of(request),
            static=f"{prefix(request)}{STATIC}",
            url=partial(url, request),
            viewer=viewer_or_none(request),
            bar=bar_of(request),
            form_token=token,
            is_sample=request.config_dict[IS_SAMPLE],
            token_of_forms=token,  # the macro has the name of the variable
            **context,
        )
    )
    said = {"Vary": "Accept-Language, Cookie", "Content-Language": w.language, **(headers or {})}
    return Page(pieces, status=status, headers=said)


@cache
def templates() -> Environment:
    """The templates that neonpay brings, compiled once."""
    environment = Environment(
        loader=PackageLoader("neonpay.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["path_part"] = partial(quote, safe="")
    return environment
