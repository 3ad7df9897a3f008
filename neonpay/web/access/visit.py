"""What is known of one request besides what it says: who asks, and what the browser is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from neonpay.web.access.roles import Role
from neonpay.web.waiting import Waiting

_NAME: Final = "neonpay.visit"
LOCAL: Final = "local"
"""What whoever sits at this machine is called where nobody has to sign in."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever asks for a page.

    Attributes:
        name: of their account; a Telegram user id in digits, or ``local`` where nobody has to sign in.
        role: what they may do.
        session_hash: of their session; None where nobody has to sign in.
        language: the one that they chose; None when the browser's counts.
        zone: the IANA name of the time zone that they chose; None for UTC.
        uses_single_keys: whether single keys do something.
    """

    name: str
    role: Role
    session_hash: str | None = None
    language: str | None = None
    zone: str | None = None
    uses_single_keys: bool = True


@dataclass(slots=True)
class Visit:
    """A request, as the door sees it.

    Attributes:
        viewer: who asks; None before anybody has signed in.
        new_id: the id that the browser gets with the answer.
        waiting: what stands beside the navigation.
    """

    viewer: Viewer | None = None
    new_id: str | None = None
    waiting: Waiting = field(default_factory=Waiting)


def _key() -> Any:
    # aiohttp warns of text as a key from the release on that has RequestKey.
    make = getattr(web, "RequestKey", None)
    return _NAME if make is None else make(_NAME, Visit)


_VISIT: Final = _key()


def visit(request: web.Request) -> Visit:
    """What is known of a request; the same object each time."""
    found: Visit | None = request.get(_VISIT)
    if found is None:
        found = request[_VISIT] = Visit()
    return found
