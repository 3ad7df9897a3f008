"""What answers beside the pages, under the same address: programs ask for it, and it says itself who may.

The door leads nobody away from it, no form token is looked for, and any host name will do, because whoever is let in there
shows a signature or a token that no browser sends by itself. A page of another place still changes nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from neonpay.web.mount import place
from neonpay.web.part import Part

FOREIGN_PAGE: Final = "foreign_page"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something that was asked for is not answered.

    Attributes:
        status: of HTTP, 400 or more.
        allow: what a path is asked by, when it was asked otherwise, as the header ``Allow`` has it.
        why: ``foreign_page``, where the status does not say it.
    """

    status: int
    allow: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What a part of another kind answers.

    Attributes:
        routes: which paths of the dashboard it answers, without patterns in them.
        parts: pages that it has inside the dashboard, behind its door, each with the name that its address begins with.
        under: the beginning of paths that are nobody else's; also what has no route there is refused here. None for none.
        refuse: how it says that it does not answer; a page when left out.
    """

    routes: Sequence[web.RouteDef]
    parts: Sequence[tuple[str, Part]] = ()
    under: str | None = None
    refuse: Callable[[Refused], web.Response] | None = None


@dataclass(frozen=True, slots=True)
class Besides:
    """All who answer beside the pages."""

    all: Sequence[Beside] = ()
    _by_path: Mapping[str, Beside] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_path", {route.path: each for each in self.all for route in each.routes})

    def whose(self, request: web.Request) -> Beside | None:
        """Who answers this; None for the pages."""
        here = place(request)
        found = self._by_path.get(here)
        if (
            found is None and request.match_info.http_exception is not None
        ):  # a page that is there stays behind the door
            found = next((each for each in self.all if each.under is not None and here.startswith(each.under)), None)
        return found


BESIDE: Final = web.AppKey("BESIDE", Besides)
"""Who answers beside the pages."""


def is_beside(request: web.Request) -> bool:
    """Whether what is asked for is beside the pages."""
    return request.config_dict[BESIDE].whose(request) is not None


def refusal(request: web.Request, refused: Refused) -> web.Response | None:
    """What whoever answers beside the pages says to it; None where that is a page."""
    beside = request.config_dict[BESIDE].whose(request)
    return None if beside is None or beside.refuse is None else beside.refuse(refused)
