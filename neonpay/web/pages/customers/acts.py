"""``/customers/BOT/USER``: one person, and what is decided about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.errors import LedgerError, NeonPayError
from neonpay.security.facts import Rank
from neonpay.web.access import Role, record_act, require, viewer
from neonpay.web.acting import DONE, cause, field, speaks, who_acts
from neonpay.web.drawn.flow import reason_words
from neonpay.web.names import Who
from neonpay.web.pages.customers.whole import Whole, read_person
from neonpay.web.reading import BlindError, read
from neonpay.web.rendering import render
from neonpay.web.scope import scope_of
from neonpay.web.shops import shops
from neonpay.web.words.events import event_title

PATH: Final = r"/customers/{bot:\d{1,18}}/{user:\d{1,18}}"
_CONFLICT: Final = 409
_EVENT_ID: Final = re.compile(r"[0-9a-f]{1,64}")
_MOST_REASON_CHARS: Final = 300
LASTING_S: Final = {"day": 86_400.0, "month": 30 * 86_400.0, "ever": None}
"""How long a block may be made to last."""
_TOLD: Final = frozenset({"block", "trust", "unblock", "cancel"})


def routes() -> Iterable[web.AbstractRouteDef]:
    """One person, and the acts."""
    return [
        web.get(PATH, show),
        web.post(f"{PATH}/block", block),
        web.post(f"{PATH}/trust", trust),
        web.post(f"{PATH}/unblock", unblock),
        web.post(f"{PATH}/cancel", cancel),
    ]


async def show(request: web.Request) -> web.Response:
    """The page of a person."""
    return await _page(request, await _named(request))


async def block(request: web.Request) -> web.Response:
    """Sell nothing to them any more; what they have paid is delivered."""
    lasting = await field(request, "lasting")
    if lasting not in LASTING_S:
        raise web.HTTPBadRequest
    return await _stand(request, Rank.BLOCKED, "block", LASTING_S[lasting])


async def trust(request: web.Request) -> web.Response:
    """Let no limit apply to them."""
    return await _stand(request, Rank.TRUSTED, "trust")


async def unblock(request: web.Request) -> web.Response:
    """Treat them like everybody else."""
    return await _stand(request, Rank.NONE, "unblock")


async def cancel(request: web.Request) -> web.Response:
    """Have their subscription end with its paid period."""
    require(request, Role.OPERATOR)
    whole = await _named(request)
    bot_id, user_id = _who(request)
    shop = shops(request).of_bot(bot_id)
    try:
        active = await shop.subscriptions.active(user_id)
        if active is None or not active.renews:
            return _back(request, "cancel")  # a second press
        await shop.subscriptions.cancel(active.payment.charge_id)
    except NeonPayError as exc:
        return await _page(request, whole, refused=cause(exc))
    subject = active.payment.charge_id
    await record_act(request, act="subscription.cancel", bot_id=bot_id, subject=subject, detail={"user": user_id})
    return _back(request, "cancel")


async def _stand(request: web.Request, rank: Rank, act: str, lasting_s: float | None = None) -> web.Response:
    require(request, Role.OPERATOR)
    whole = await _named(request)
    if whole.standing.rank is rank:
        return _back(request, act)  # a second press
    bot_id, user_id = _who(request)
    security = shops(request).of_bot(bot_id).security
    words = (await field(request, "reason")).strip()[:_MOST_REASON_CHARS]
    reason = f"{words} ({who_acts(request)})" if words else who_acts(request)
    try:
        if rank is Rank.BLOCKED:
            await security.block_user(user_id, lasting_s, reason=reason)
        elif rank is Rank.TRUSTED:
            await security.trust_user(user_id, reason=reason)
        else:
            await security.unblock_user(user_id, reason=reason)
    except NeonPayError as exc:
        return await _page(request, whole, refused=cause(exc))
    await record_act(request, act=f"person.{act}", bot_id=bot_id, subject=str(user_id), detail={"reason": words})
    return _back(request, act)


def _who(request: web.Request) -> Who:
    return int(request.match_info["bot"]), int(request.match_info["user"])


async def _named(request: web.Request) -> Whole:
    who = _who(request)
    shops(request).of_bot(who[0])
    before = request.query.get("before", "")
    whole = await read(request, read_person, who, before if _EVENT_ID.fullmatch(before) else "")
    if whole is None:
        raise web.HTTPNotFound
    return whole


async def _page(request: web.Request, whole: Whole, *, refused: str = "") -> web.Response:
    bot_id, user_id = _who(request)
    shop = shops(request).of_bot(bot_id)
    try:
        active = await shop.subscriptions.active(user_id)
    except LedgerError as exc:
        raise BlindError(None) from exc
    done = request.query.get(DONE, "")
    return render(
        request,
        "customer.html",
        status=_CONFLICT if refused else 200,
        whole=whole,
        active=active,
        page=f"/customers/{bot_id}/{user_id}",
        may_act=viewer(request).role >= Role.OPERATOR,
        may_cancel=speaks(shop) and active is not None and active.renews,
        lasting=tuple(LASTING_S),
        event_title=event_title,
        reason_words=reason_words,
        told=done if done in _TOLD else "",
        refused=refused,
    )


def _back(request: web.Request, done: str) -> web.Response:
    bot_id, user_id = _who(request)
    raise web.HTTPSeeOther(scope_of(request).link(f"/customers/{bot_id}/{user_id}", **{DONE: done}))
