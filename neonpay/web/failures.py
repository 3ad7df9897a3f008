"""What a reader sees of an error: a page in the frame, and nothing of the program."""

from __future__ import annotations

import logging
from html import escape
from typing import TYPE_CHECKING

from aiohttp import web

from neonpay.errors import LedgerReadOnlyError
from neonpay.web.beside import Refused, refusal
from neonpay.web.counting import StillCountingError
from neonpay.web.part import Html, language, page
from neonpay.web.reading import BlindError
from neonpay.web.rendering import Page, render
from neonpay.web.words.frame import sentences

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

logger = logging.getLogger("neonpay.web")

_FAILED = 500
_AGAIN_S = "5"
"""After how many seconds a browser looks again at a page that is being counted, script or not."""


@web.middleware
async def told_in_a_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers what a handler raises with a page, or as programs read it; what is no answer of HTTP is logged."""
    try:
        response = await handler(request)
        if isinstance(response, Page):
            await response.make()
    except web.HTTPException as exc:
        if exc.status < web.HTTPBadRequest.status_code or exc.content_type != "text/plain":
            raise
        allow = exc.headers.get("Allow")
        response = refusal(request, Refused(exc.status, allow)) or _page(request, exc.status)
        if allow is not None:
            response.headers["Allow"] = allow
        return response
    except BlindError as exc:
        return render(request, "blind.html", status=503, headers={"Retry-After": "8"}, seconds=exc.seconds)
    except StillCountingError as exc:
        return render(request, "counting.html", headers={"Refresh": _AGAIN_S}, how_far=exc.how_far)
    except LedgerReadOnlyError:
        words = sentences(language(request))
        lead = Html(f'<p class="lead">{escape(words["only_reads_lead"])}</p>')
        return page(request, title=words["only_reads"], body=lead, status=web.HTTPForbidden.status_code)
    except Exception:
        resource = request.match_info.route.resource
        # The pattern of its address and not the address, which may name people and payments.
        logger.exception("a page has failed: %s", None if resource is None else resource.canonical)
        return refusal(request, Refused(_FAILED)) or _page(request, _FAILED)
    return response


def _page(request: web.Request, status: int) -> web.Response:
    words = sentences(language(request))
    title = words.get(str(status)) or words["500" if status >= _FAILED else "400"]
    lead = words["failed_lead" if status >= _FAILED else "refused_lead"]
    return page(request, title=title, body=Html(f'<p class="lead">{escape(lead)}</p>'), status=status)
