"""The frame: the mark, the navigation, and a place for the page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from neonpay.web.access.cookies import LANGUAGE_COOKIE
from neonpay.web.access.viewer import viewer_or_none
from neonpay.web.part import Html
from neonpay.web.rendering import render
from neonpay.web.speech import LANGUAGES, language_of

if TYPE_CHECKING:
    from aiohttp import web

_WELL: Final = '<path d="m4.5 10.5 3.5 3.5 7.5-8"/>'
_ATTENTION: Final = '<circle cx="10" cy="10" r="7"/><path d="M10 6v4.6M10 13.8v.1"/>'


class Layout:
    """Puts pages into the frame; a ``Frame``."""

    def language(self, request: web.Request) -> str:
        """The language that the reader chose, else the one that the browser asks for."""
        somebody = viewer_or_none(request)
        chosen = (somebody and somebody.language) or request.cookies.get(LANGUAGE_COOKIE, "")
        return chosen if chosen in LANGUAGES else language_of(request.headers.get("Accept-Language", ""))

    def page(self, request: web.Request, *, title: str, body: Html, status: int = 200) -> web.Response:
        """A page in the frame."""
        return render(request, "page.html", status=status, title=title, body=Markup(body))  # noqa: S704  # Html is HTML


def row(name: Html, value: Html, *, mark: str | None = None, is_well: bool = True, more: str = "") -> Html:
    """One row of a list: a name, and what is the case.

    Args:
        mark: the word that the shape before the name stands for; no shape when None.
        more: a line below it, in English.
    """
    shape = _WELL if is_well else _ATTENTION
    icon = f'<svg class="i" viewBox="0 0 20 20" aria-hidden="true">{shape}</svg>' if mark else "<span></span>"
    word = f'<span class="sr">{escape(mark)} </span>' if mark else ""
    line = f'<span class="more" lang="en">{escape(more)}</span>' if more else ""
    kind = "" if is_well else " class=bad"
    return Html(f'<li{kind}>{icon}<span>{word}{name}</span><span class="v">{value}</span>{line}</li>')
