"""The frame: the mark, the navigation, and a place for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from neonpay.web.navigation import PAGES, Link, is_below
from neonpay.web.part import Html, Part
from neonpay.web.speech import Speech, language_of

if TYPE_CHECKING:
    from aiohttp import web

_WELL: Final = '<path d="m4.5 10.5 3.5 3.5 7.5-8"/>'
_ATTENTION: Final = '<circle cx="10" cy="10" r="7"/><path d="M10 6v4.6M10 13.8v.1"/>'


@dataclass(frozen=True, slots=True)
class Layout:
    """Puts pages into the frame; part of ``Frame``.

    Attributes:
        parts: what the navigation leads to beside our own pages, by the names that the parts are mounted under.
    """

    parts: Sequence[tuple[str, Part]]

    def language(self, request: web.Request) -> str:
        """The language that the reader gets."""
        return language_of(request.headers.get("Accept-Language", ""))

    def page(self, request: web.Request, *, title: str, body: Html, status: int = 200) -> web.Response:
        """A page in the frame."""
        from neonpay.web.rendering import render

        return render(request, "page.html", status=status, title=title, body=Markup(body))  # noqa: S704  # Html is HTML

    def links(self, request: web.Request, w: Speech) -> list[Link]:
        """The navigation as this reader sees it."""
        links = [
            Link(
                href=row.path,
                title=w(f"{row.name}.nav"),
                icon=row.icon,
                group=row.group,
                is_here=is_below(request.path, row.path),
                is_in_tab_bar=row.is_in_tab_bar,
            )
            for row in PAGES
        ]
        if not any(row.path == "/" for row in PAGES):
            links.insert(0, Link("/", w("frame.shop"), "i-bot", "main", request.path == "/", is_in_tab_bar=True))
        for name, part in self.parts:
            href = f"/{name}/"
            links.append(Link(href, part.title_in(w.language), "i-plus", "more", request.path.startswith(href)))
        return links


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
