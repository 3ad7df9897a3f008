"""Who may look, and what a browser may do with what it gets.

Under a name of its own that leads to this machine (DNS rebinding) a foreign page could have a browser read everything here; the
Host header then has that name. An address in it is always honest, since a page of the internet has a name. A browser says in
``Sec-Fetch-Site`` and ``Origin`` where a request comes from, and a page can neither leave them out nor change them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.web.access.forms import LOOKS
from neonpay.web.access.peer import host_name, is_address
from neonpay.web.beside import FOREIGN_PAGE, Refused, is_beside, refusal
from neonpay.web.speech import language_of
from neonpay.web.words.frame import sentences

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without any, browsers would send their own forms with "Origin: null"
    "X-Content-Type-Options": "nosniff",
}
_FORBIDDEN: Final = 403
_OWN: Final = frozenset({"same-origin", "none"})


def guard(names: Collection[str]) -> Middleware:
    """Refuses with 403 what comes under a foreign name, and what a page of another place would change.

    Args:
        names: host names beside ``localhost`` that the pages go by; addresses are always let through.
    """
    known = {"localhost", *(name.rstrip(".").lower() for name in names)}

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall("Host", ())
        host = hosts[0] if len(hosts) == 1 else ""
        name = host_name(host)
        if name not in known and not is_address(name) and not is_beside(request):
            return _refused(request, "foreign_name")
        if request.method not in LOOKS and _is_foreign(request, host):
            return refusal(request, Refused(_FORBIDDEN, why=FOREIGN_PAGE)) or _refused(request, FOREIGN_PAGE)
        return await handler(request)

    return guarded


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give an answer the headers that every answer has; a part may be stricter, and says so by setting them itself."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "neonpay"  # aiohttp would tell its version, and Python's


def _is_foreign(request: web.Request, host: str) -> bool:
    origins = request.headers.getall("Origin", ())
    return any(origin.partition("://")[2] != host for origin in origins) or not _OWN.issuperset(
        request.headers.getall("Sec-Fetch-Site", ())
    )


def _refused(request: web.Request, why: str) -> web.Response:
    words = sentences(language_of(request.headers.get("Accept-Language", "")))
    return web.Response(status=_FORBIDDEN, text=words[why])
