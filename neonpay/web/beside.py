"""What answers beside the pages, under the same address: programs ask for it, and it says itself who may.

The door leads nobody away from it, no form token is looked for, and any host name will do, because whoever is let in there
shows a signature or a token that no browser sends by itself. A page of another place still changes nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from neonpay.web.mount import place
from neonpay.web.part import Part


@dataclass(frozen=True, slots=True)
class Beside:
    """What a part of another kind answers.

    Attributes:
        routes: which paths of the dashboard it answers, without patterns in them.
        parts: pages that it has inside the dashboard, behind its door, each with the name that its address begins with.
    """

    routes: Sequence[web.RouteDef]
    parts: Sequence[tuple[str, Part]] = ()

    @property
    def paths(self) -> frozenset[str]:
        """The paths that it answers."""
        return frozenset(route.path for route in self.routes)


BESIDE: Final = web.AppKey("BESIDE", frozenset[str])
"""Every path of those who answer beside the pages."""


def is_beside(request: web.Request) -> bool:
    """Whether what is asked for is beside the pages."""
    return place(request) in request.config_dict[BESIDE]
