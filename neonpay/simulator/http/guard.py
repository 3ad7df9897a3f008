"""Who may talk to the simulator: programs, and its own page; no page of somebody else's in a browser on this machine.

A browser sends what any page asks it to, from this machine, and three things give such a page away. Under a name of its own
that leads here (DNS rebinding) the Host header has that name. A request from a page of another place has its address in the
Origin header, or says ``cross-site`` in Sec-Fetch-Site, which a page can neither leave out nor change. Bot libraries send none
of them but an honest Host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.simulator.wire.loopback import is_loopback, is_no_foreign_name, name_in

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

_OWN: Final = frozenset({"same-origin", "none"})
"""What Sec-Fetch-Site says of a request of the page's own, or of a person's; another port of this machine is ``same-site``."""
_LOOKS: Final = frozenset({"GET", "HEAD"})
_FOREIGN_PAGE: Final = "a page of another place may not talk to it"
_NAMES_HERE: Final = (
    "it listens to this machine alone and goes by localhost or a loopback address; for another name, have it listen on an "
    "address of the network (--host)"
)
_NAMES: Final = "it goes by an address, or by a name that the internet does not have"


def guard(listens_on: str, *, any_name: bool) -> Middleware:
    """Answers 403 to what a page of somebody else's has a browser ask for.

    Args:
        listens_on: the address. Where only this machine can connect, it goes by names of this machine alone.
        any_name: whether it is reached by names that are not known here, and the Host header says nothing.
    """
    is_ours, names = (is_loopback, _NAMES_HERE) if is_loopback(listens_on) else (is_no_foreign_name, _NAMES)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts, origins = request.headers.getall("Host", ()), request.headers.getall("Origin", ())
        host = hosts[0] if len(hosts) == 1 else ""
        if not any_name and not is_ours(name_in(host)):
            return _refused(names)
        if any(origin.partition("://")[2] != host for origin in origins):
            return _refused(_FOREIGN_PAGE)
        sites = request.headers.getall("Sec-Fetch-Site", ())
        if not _OWN.issuperset(sites) and not _is_visit(request):
            return _refused(_FOREIGN_PAGE)
        return await handler(request)

    return guarded


def _is_visit(request: web.Request) -> bool:
    """Whether somebody followed a link to the page, which shows it and does nothing."""
    return request.path == "/" and request.method in _LOOKS and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _refused(why: str) -> web.Response:
    return web.json_response(
        {"ok": False, "error_code": 403, "description": f"Forbidden: neonpay.simulator: {why}"}, status=403
    )
