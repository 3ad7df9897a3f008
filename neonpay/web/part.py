"""What an extension's pages and the frame around them have in common.

The string ``pages`` of an ``ExtensionSpec`` leads to a function that is given the application and returns a ``Part``. Its
handlers answer with ``page``, or with whatever aiohttp can send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NewType, Protocol

from aiohttp import web

Html = NewType("Html", str)
"""Text that is HTML already: whatever comes from outside has passed ``html.escape``. Scripts and styles in it do not run."""


@dataclass(frozen=True, slots=True)
class Part:
    """What an extension shows.

    Attributes:
        app: its routes, which are mounted below ``/NAME``.
        title: what the navigation calls it, by language; ``en`` is there, and stands in for a language that is not.
    """

    app: web.Application
    title: Mapping[str, str]

    def title_in(self, language: str) -> str:
        """What the navigation calls it in a language."""
        return self.title.get(language) or self.title["en"]


class Frame(Protocol):
    """What stands around every page."""

    def page(self, request: web.Request, *, title: str, body: Html, status: int) -> web.Response:
        """A page in the frame."""
        ...

    def language(self, request: web.Request) -> str:
        """The language that the reader gets."""
        ...


FRAME: Final = web.AppKey("FRAME", Frame)


def page(request: web.Request, *, title: str, body: Html, status: int = 200) -> web.Response:
    """A page with the title as its heading and the body below it, inside the frame and its navigation."""
    return request.config_dict[FRAME].page(request, title=title, body=body, status=status)


def language(request: web.Request) -> str:
    """The language that the reader gets: ``en`` or ``ru``, by what the browser asks for."""
    return request.config_dict[FRAME].language(request)
