"""The frame: the mark, the navigation, and a place for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from aiohttp import web

from neonpay.web.part import Html, Part
from neonpay.web.words import WORDS, language_of

STATIC: Final = "/_"
"""Where style sheets are: no extension can have such a name."""

_STAR: Final = (
    "M9.33 2.03Q10 .5 10.67 2.03L12.46 6.09Q12.79 6.86 13.62 6.94L18.04 7.38Q19.7 7.55 18.46 8.66L15.14 11.61Q14.52 12.17 "
    "14.69 12.98L15.64 17.32Q16 18.95 14.56 18.11L10.72 15.87Q10 15.45 9.28 15.87L5.44 18.11Q4 18.95 4.36 17.32L5.31 "
    "12.98Q5.48 12.17 4.86 11.61L1.54 8.66Q.3 7.55 1.96 7.38L6.38 6.94Q7.21 6.86 7.54 6.09Z"
)
_MARK: Final = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><g transform="translate(4.6 .2) scale(.74)" class="star">'
    f'<path d="{_STAR}"/></g><path d="M3 18h18M3 21.5h18" stroke="currentColor" stroke-width="1.6" fill="none" '
    'stroke-linecap="square"/></svg>'
)
_WELL: Final = '<path d="m4.5 10.5 3.5 3.5 7.5-8"/>'
_ATTENTION: Final = '<circle cx="10" cy="10" r="7"/><path d="M10 6v4.6M10 13.8v.1"/>'


@dataclass(frozen=True, slots=True)
class Layout:
    """Puts pages into the frame; part of ``Frame``.

    Attributes:
        parts: what the navigation leads to, by the names that the parts are mounted under.
    """

    parts: Sequence[tuple[str, Part]]

    def language(self, request: web.Request) -> str:
        """The language that the reader gets."""
        return language_of(request.headers.get("Accept-Language", ""))

    def page(self, request: web.Request, *, title: str, body: Html, status: int = 200) -> web.Response:
        """A page in the frame."""
        language = self.language(request)
        words = WORDS[language]
        text = f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – neonpay</title>
<link rel="icon" href="{STATIC}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{STATIC}/tokens.css">
<link rel="stylesheet" href="{STATIC}/frame.css">
</head>
<body>
<a class="skip" href="#main">{escape(words["skip"])}</a>
<div class="shell">
<header class="side">
<a class="brand" href="/">{_MARK}neonpay</a>
<nav class="nav" aria-label="{escape(words["pages"])}"><ul>
{self._links(request, language)}
</ul></nav>
</header>
<main class="main" id="main" tabindex="-1">
<h1>{escape(title)}</h1>
{body}
</main>
</div>
</body>
</html>
"""
        headers = {"Vary": "Accept-Language", "Content-Language": language}
        return web.Response(text=text, content_type="text/html", status=status, headers=headers)

    def _links(self, request: web.Request, language: str) -> str:
        links = [("/", WORDS[language]["shop"], request.path == "/")]
        for name, part in self.parts:
            links.append((f"/{name}/", part.title_in(language), request.path.startswith(f"/{name}/")))
        return "\n".join(
            f'<li><a href="{href}"{" aria-current=page" if is_here else ""}>{escape(title)}</a></li>'
            for href, title, is_here in links
        )


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
