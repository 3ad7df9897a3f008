"""The door: sign in by a password or a link, and sign out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.core.clock import moment
from neonpay.web.access.accounts import with_password
from neonpay.web.access.audit import record_act
from neonpay.web.access.cookies import rotate
from neonpay.web.access.door import door
from neonpay.web.access.entrance import ENTER, LOGIN
from neonpay.web.access.sessions import revoke
from neonpay.web.access.signing_in import by_link, by_password, send_links
from neonpay.web.access.viewer import viewer, viewer_or_none
from neonpay.web.mount import url
from neonpay.web.rendering import render, speech
from neonpay.web.shops import shops

_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers at the door."""
    return (
        web.get(LOGIN, show),
        web.post(LOGIN, sign_in),
        web.post(f"{LOGIN}/send", send),
        web.get(f"{ENTER}/{{token}}", ask),
        web.post(ENTER, enter),
        web.post("/logout", sign_out),
    )


async def show(request: web.Request) -> web.Response:
    """The form, for whoever is not in."""
    if viewer_or_none(request) is not None:
        raise web.HTTPSeeOther(url(request, "/"))
    return await _page(request)


async def sign_in(request: web.Request) -> web.Response:
    """Take a password."""
    form = await request.post()
    name, password = form.get("name"), form.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise web.HTTPBadRequest
    refused = await by_password(request, name, password)
    if refused is None:
        raise web.HTTPSeeOther(url(request, "/"))
    w = speech(request)
    if refused.tries_left <= 0:
        return await _page(request, error=w("login.too_often"), status=_TOO_MANY, headers={"Retry-After": "60"})
    return await _page(request, error=w.count("login.wrong", refused.tries_left), status=_FORBIDDEN)


async def send(request: web.Request) -> web.Response:
    """Have the bot send a link to each owner."""
    w = speech(request)
    sent = await send_links(request, w)
    if sent is None:
        return await _page(request, error=w("login.sent_too_often"), status=_TOO_MANY, headers={"Retry-After": "600"})
    return await _page(request, note=w("login.sent" if sent else "login.not_sent"))


async def ask(request: web.Request) -> web.Response:
    """What a link opens: a button, since what makes previews of links presses none."""
    return render(request, "enter.html", token=request.match_info["token"], error="")


async def enter(request: web.Request) -> web.Response:
    """Use a link up."""
    token = (await request.post()).get("token")
    if isinstance(token, str) and await by_link(request, token):
        raise web.HTTPSeeOther(url(request, "/"))
    error = speech(request)("login.used_up")
    return render(request, "enter.html", status=_FORBIDDEN, token="", error=error)


async def sign_out(request: web.Request) -> web.Response:
    """End this session, or all of this account."""
    somebody = viewer(request)
    if somebody.session_hash is None:
        raise web.HTTPSeeOther(url(request, "/"))
    everywhere = (await request.post()).get("everywhere") == "yes"
    which = {"account": somebody.name} if everywhere else {"starts": somebody.session_hash}
    at = moment(door(request).clock.now_us())
    await shops(request).ledger.run(revoke, at, **which)
    await record_act(request, act="login.ended_all" if everywhere else "login.ended")
    rotate(request)
    raise web.HTTPSeeOther(url(request, LOGIN))


async def _page(
    request: web.Request,
    *,
    error: str = "",
    note: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> web.Response:
    names = await shops(request).ledger.read(with_password)
    can_send = bool(shops(request).by_admin)
    if not names and not can_send:
        status = _FORBIDDEN
    return render(
        request,
        "login.html",
        status=status,
        headers=headers,
        names=names,
        can_send=can_send,
        error=error,
        note=note,
    )
