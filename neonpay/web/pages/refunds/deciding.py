"""``/refunds/BOT/REQUEST``: a buyer's words, and the answer to them, as the bot's own buttons give it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from aiohttp import web

from neonpay.core.requests import WORDS_MAX_CHARS, RequestState
from neonpay.errors import LedgerError, NeonPayError
from neonpay.payments.refunds.request_store import Verdict
from neonpay.web.access import Role, record_act, require, viewer
from neonpay.web.acting import DONE, cause, field, speaks, who_acts
from neonpay.web.durations import duration
from neonpay.web.names import Person
from neonpay.web.pages.refunds.query import Asked, read_request
from neonpay.web.reading import read
from neonpay.web.rendering import render, speech
from neonpay.web.scope import scope_of
from neonpay.web.shops import shops

PATH: Final = r"/refunds/{bot:\d{1,18}}/{request:[0-9A-Za-z_-]{1,64}}"
_CONFLICT: Final = 409


def routes() -> Iterable[web.AbstractRouteDef]:
    """One request, and both answers to it."""
    return [web.get(PATH, show), web.post(f"{PATH}/grant", grant), web.post(f"{PATH}/refuse", refuse)]


async def show(request: web.Request) -> web.Response:
    """What the buyer says, and what may be answered."""
    return _page(request, *(await _named(request)))


async def grant(request: web.Request) -> web.Response:
    """Grant a request: the refund is intended, and made as far as Telegram does it now."""
    return await _decide(request, RequestState.APPROVED, None)


async def refuse(request: web.Request) -> web.Response:
    """Refuse a request, with words that the buyer gets."""
    answer = (await field(request, "answer")).strip() or None
    if answer is not None and len(answer) > WORDS_MAX_CHARS:
        raise web.HTTPBadRequest
    return await _decide(request, RequestState.REFUSED, answer)


async def _decide(request: web.Request, state: RequestState, answer: str | None) -> web.Response:
    require(request, Role.OPERATOR)
    asked, person, now = await _named(request)
    about = asked.request
    if about.state is not RequestState.OPEN:
        raise _back(request, "already")  # a second press, or somebody else was faster
    shop = shops(request).of_bot(about.bot_id)
    verdict = Verdict(state, who_acts(request), answer, leaves_refund=not speaks(shop))
    failed: NeonPayError | None = None
    try:
        await shop.program.pipeline.requests.decide(about.request_id, verdict)
    except LedgerError as exc:
        return _page(request, asked, person, now, refused=cause(exc))
    except NeonPayError as exc:
        failed = exc
    act = "request.approve" if state is RequestState.APPROVED else "request.refuse"
    detail = {"request": about.request_id, "outcome": "refused by Telegram" if failed else state.value}
    await record_act(request, act=act, bot_id=about.bot_id, subject=about.charge_id, detail={**detail})
    if failed is not None:
        return _page(request, *(await _named(request)), refused=cause(failed))
    raise _back(request, "granted" if state is RequestState.APPROVED else "refused")


async def _named(request: web.Request) -> tuple[Asked, Person, datetime]:
    bot_id = int(request.match_info["bot"])
    shops(request).of_bot(bot_id)
    found = await read(request, read_request, bot_id, request.match_info["request"])
    if found is None:
        raise web.HTTPNotFound
    return found


def _page(request: web.Request, asked: Asked, person: Person, now: datetime, *, refused: str = "") -> web.Response:
    w = speech(request)
    return render(
        request,
        "request.html",
        status=_CONFLICT if refused else 200,
        asked=asked,
        person=person,
        now=now,
        waited=duration(w, now - asked.request.requested_at),
        refused=refused,
        most_chars=WORDS_MAX_CHARS,
        makes_it=speaks(shops(request).of_bot(asked.request.bot_id)),
        may_act=viewer(request).role >= Role.OPERATOR and asked.request.state is RequestState.OPEN,
    )


def _back(request: web.Request, done: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(scope_of(request).link("/refunds", **{DONE: done}))
