"""Settings: how the pages look to this reader, who is signed in, and who may come in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.web.access import Role, Viewer, record_act, require, viewer
from neonpay.web.access.accounts import (
    Account,
    all_accounts,
    choose,
    find_account,
    is_name,
    keep_account,
    remove_account,
)
from neonpay.web.access.cookies import LANGUAGE_COOKIE, LIVES_S
from neonpay.web.access.door import door
from neonpay.web.access.passwords import hashed, is_long_enough
from neonpay.web.access.peer import is_secure
from neonpay.web.access.sessions import Session, revoke, sessions_at
from neonpay.web.access.signing_in import own_password
from neonpay.web.access.visit import LOCAL
from neonpay.web.mount import prefix, url
from neonpay.web.names import Person, read_people
from neonpay.web.reading import read
from neonpay.web.rendering import render, speech
from neonpay.web.shops import shops
from neonpay.web.speech import LANGUAGES
from neonpay.web.zones import zone_names, zone_of

PATH: Final = "/settings"
_STARTS_CHARS: Final = 16
"""How much of a session's digest names it in a form: too little to be of use, enough to be the only one."""
_MOST_SESSIONS: Final = 50


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the page shows.

    Attributes:
        sessions: those of the reader; of everybody for an owner.
        accounts: for an owner alone.
        owners: whom Telegram knows, by the name that they were seen with.
    """

    sessions: Sequence[Session]
    accounts: Sequence[Account]
    owners: Mapping[int, Person]


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers below ``/settings``."""
    return (
        web.get(PATH, show),
        web.post(PATH, keep),
        web.post(f"{PATH}/sessions", end_session),
        web.post(f"{PATH}/accounts", keep_one),
        web.post(f"{PATH}/accounts/remove", remove_one),
        web.post(f"{PATH}/password", change_password),
    )


async def show(request: web.Request) -> web.Response:
    """The page."""
    return await _page(request)


async def keep(request: web.Request) -> web.Response:
    """Keep how the reader wants the pages."""
    somebody, form = viewer(request), await _form(request)
    language = form.get("language") if form.get("language") in LANGUAGES else None
    zone = form.get("zone", "")
    if zone not in {"", "UTC"} and zone_of(zone) is None:
        return await _page(request, error="settings.no_zone", status=400)
    single_keys = form.get("single_keys") == "yes"
    zone_kept = zone if zone_of(zone) is not None else None
    if not door(request).only_looks:
        await shops(request).ledger.run(
            choose, somebody.name, _now_us(request), language=language, zone=zone_kept, single_keys=single_keys
        )
    response = web.Response(status=303, headers={"Location": url(request, PATH, {"done": "kept"})})
    where = f"{prefix(request)}/"
    if language is None:
        response.del_cookie(LANGUAGE_COOKIE, path=where)
    else:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=LIVES_S,
            path=where,
            secure=is_secure(request),
            httponly=True,
            samesite="Lax",
        )
    return response


async def end_session(request: web.Request) -> web.Response:
    """Sign a browser out; those of others only an owner."""
    somebody, form = viewer(request), await _form(request)
    starts = form.get("session", "")
    if len(starts) != _STARTS_CHARS or set(starts) - set("0123456789abcdef"):
        raise web.HTTPBadRequest
    whose = None if somebody.role >= Role.OWNER else somebody.name
    if not await shops(request).ledger.run(revoke, moment(_now_us(request)), account=whose, starts=starts):
        raise web.HTTPNotFound
    await record_act(request, act="session.ended", subject=starts)
    raise web.HTTPSeeOther(url(request, PATH, {"done": "ended"}))


async def keep_one(request: web.Request) -> web.Response:
    """Make an account with a password, or give the one of this name another role and password."""
    require(request, Role.OWNER)
    form = await _form(request)
    name, password, role = form.get("name", ""), form.get("password", ""), form.get("role", "")
    if role not in {each.word for each in Role}:
        raise web.HTTPBadRequest
    if not is_name(name):
        return await _page(request, error="settings.no_name", status=400)
    if not is_long_enough(password):
        return await _page(request, error="settings.too_short", status=400)
    await _change_password(request, name, Role.named(role), password)
    await record_act(request, act="account.kept", subject=name, detail={"role": role})
    raise web.HTTPSeeOther(url(request, PATH, {"done": "account"}))


async def remove_one(request: web.Request) -> web.Response:
    """Take an account away; not one's own."""
    somebody, name = require(request, Role.OWNER), (await _form(request)).get("name", "")
    if name == somebody.name:
        return await _page(request, error="settings.own_account", status=400)
    if not (is_name(name) or name.isdecimal()) or not await shops(request).ledger.run(remove_account, name):
        raise web.HTTPNotFound
    await record_act(request, act="account.removed", subject=name)
    raise web.HTTPSeeOther(url(request, PATH, {"done": "removed"}))


async def change_password(request: web.Request) -> web.Response:
    """Give oneself another password, by the one that is there."""
    somebody, form = viewer(request), await _form(request)
    if door(request).only_looks or not is_name(somebody.name):
        raise web.HTTPForbidden
    account = await shops(request).ledger.read(find_account, somebody.name)
    if account is None:
        raise web.HTTPForbidden
    if account.password_hash is not None:
        refused = await own_password(request, account.name, form.get("old", ""))
        if refused is not None and refused.tries_left <= 0:
            return await _page(request, error="login.too_often", status=429)
        if refused is not None:
            return await _page(request, error="settings.wrong_password", status=403)
    if not is_long_enough(form.get("password", "")):
        return await _page(request, error="settings.too_short", status=400)
    password_hash = await asyncio.to_thread(hashed, form["password"])
    if not await shops(request).ledger.run(
        _keep_own, account.name, _now_us(request), password_hash, somebody.session_hash
    ):
        raise web.HTTPForbidden
    await record_act(request, act="password.changed", subject=account.name)
    raise web.HTTPSeeOther(url(request, PATH, {"done": "password"}))


async def _change_password(request: web.Request, name: str, role: Role, password: str) -> None:
    password_hash = await asyncio.to_thread(hashed, password)
    await shops(request).ledger.run(_keep, name, role, _now_us(request), password_hash, viewer(request).session_hash)


def _keep(transaction: Transaction, name: str, role: Role, at_us: int, password_hash: str, but: str | None) -> None:
    keep_account(transaction, name, role, at_us, password_hash)
    revoke(transaction, moment(at_us), account=name, but=but)


def _keep_own(transaction: Transaction, name: str, at_us: int, password_hash: str, but: str | None) -> bool:
    account = find_account(transaction, name)
    if account is None:  # taken away since
        return False
    _keep(transaction, name, account.role, at_us, password_hash, but)
    return True


async def _page(request: web.Request, *, error: str = "", status: int = 200) -> web.Response:
    somebody = viewer(request)
    admins = {(shop.program.adapter.bot_id, admin) for admin, shop in shops(request).by_admin.items()}
    seen = await read(request, _seen, somebody, moment(_now_us(request)), admins)
    done = request.query.get("done", "")
    w = speech(request)
    return render(
        request,
        "settings.html",
        status=status,
        seen=seen,
        starts_chars=_STARTS_CHARS,
        languages=LANGUAGES,
        zones=zone_names(),
        roles=[role.word for role in Role],
        is_owner=somebody.role >= Role.OWNER,
        is_local=somebody.name == LOCAL,
        has_name=is_name(somebody.name),
        said=w(error) if error else w(f"settings.done_{done}") if done in _DONE else "",
        is_error=bool(error),
    )


_DONE: Final = frozenset({"kept", "ended", "account", "removed", "password"})


def _seen(transaction: Transaction, somebody: Viewer, at: datetime, admins: set[tuple[int, int]]) -> _Seen:
    is_owner = somebody.role >= Role.OWNER
    found = sessions_at(transaction, at, None if is_owner else somebody.name)
    people = read_people(transaction, admins)
    return _Seen(
        found[:_MOST_SESSIONS],
        [one for one in all_accounts(transaction) if one.name != LOCAL] if is_owner else [],
        {user_id: person for (_, user_id), person in sorted(people.items())} if is_owner else {},
    )


async def _form(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _now_us(request: web.Request) -> int:
    return door(request).clock.now_us()
