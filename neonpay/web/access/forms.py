"""Forms that are ours: each holds a token that only a page of ours could have written for this browser."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.web.access.cookies import browser_id, own_id
from neonpay.web.beside import is_beside

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

FIELD: Final = "form_token"
HEADER: Final = "X-Form-Token"
"""Where a script says it."""
LOOKS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def form_token(request: web.Request) -> str:
    """The token that a form of this page has to hold, in the field ``form_token``."""
    return _token(own_id(request))


@web.middleware
async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses with 403 whatever would change something and does not hold the token of this browser."""
    if request.method not in LOOKS and request.match_info.http_exception is None and not is_beside(request):
        known = browser_id(request)
        given = await _given(request)
        if known is None or not hmac.compare_digest(_token(known).encode(), given.encode("utf-8", "surrogatepass")):
            raise web.HTTPForbidden
    return await handler(request)


async def _given(request: web.Request) -> str:
    # All of it is here before it is asked who sends it: a body that is held back keeps nobody's rights alive.
    field: object = ""
    if request.content_type in _FORMS:
        try:
            field = (await request.post()).get(FIELD, "")
        except (LookupError, ValueError, RuntimeError) as exc:  # a charset or an encoding that is none, or not in it
            raise web.HTTPBadRequest from exc
    else:
        await request.read()
    if HEADER in request.headers:
        return request.headers[HEADER]
    return field if isinstance(field, str) else ""


def _token(own: str) -> str:
    return hmac.new(own.encode(), b"neonpay form", hashlib.sha256).hexdigest()
