"""The one cookie: a random id, which is a session once somebody has signed in, and until then only what forms are bound to.

Its name has the port where it has no better protection, because browsers share the cookies of one host among its ports.
"""

from __future__ import annotations

import hashlib
import secrets
from http.cookies import SimpleCookie
from typing import Final

from aiohttp import web

from neonpay.web.access.peer import is_secure
from neonpay.web.access.visit import visit
from neonpay.web.mount import prefix

LANGUAGE_COOKIE: Final = "neonpay-language"
"""What the reader chose, for the pages before anybody has signed in."""
_ID_BYTES: Final = 32
_ID_CHARS: Final = 43
LIVES_S: Final = 30 * 24 * 3600


def digest(secret: str) -> str:
    """What the ledger keeps of a secret that is random enough to need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def browser_id(request: web.Request) -> str | None:
    """The id that the browser has, if it has one of ours."""
    given = request.cookies.get(_name(request), "")
    return given if len(given) == _ID_CHARS and given.isascii() else None


def own_id(request: web.Request) -> str:
    """The id that the browser has, or a new one, which it gets with the answer."""
    return visit(request).new_id or browser_id(request) or rotate(request)


def rotate(request: web.Request) -> str:
    """A new id, which replaces the browser's with the answer."""
    new = secrets.token_urlsafe(_ID_BYTES)
    visit(request).new_id = new
    return new


async def give(request: web.Request, response: web.StreamResponse) -> None:
    """Put a new id on an answer; a hook of aiohttp's for answers that begin."""
    new = visit(request).new_id
    if new is None:
        return
    # aiohttp has written its own cookies into the headers before it asks the hooks.
    cookie = SimpleCookie({_name(request): new})[_name(request)]
    cookie.update({"max-age": str(LIVES_S), "path": f"{prefix(request)}/", "samesite": "Lax"})
    cookie["httponly"] = True
    if is_secure(request):
        cookie["secure"] = True
    response.headers.add("Set-Cookie", cookie.OutputString())


def _name(request: web.Request) -> str:
    port = request.host.rpartition(":")[2]
    name = f"neonpay-{port}" if port.isascii() and port.isdecimal() else "neonpay"
    if not is_secure(request):
        return name
    return f"__Secure-{name}" if prefix(request) else f"__Host-{name}"
