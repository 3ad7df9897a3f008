"""What a centre answers over HTTP, beside the pages of the dashboard."""

from __future__ import annotations

import asyncio
import hmac
from email.utils import formatdate
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from neonpay.collection import figures, pages
from neonpay.collection.bot_numbers import bot_number
from neonpay.collection.centre import AWAY_S, Centre
from neonpay.collection.openapi import document
from neonpay.collection.packing import JSON, PACKED_MAX_BYTES
from neonpay.collection.wire import Batch, Problem, RealTime
from neonpay.errors import LedgerError, ValidationError
from neonpay.web.access.entrance import admitted
from neonpay.web.access.peer import sits_here
from neonpay.web.beside import FOREIGN_PAGE, Beside, Refused
from neonpay.web.reading import BlindError

COLLECT: Final = "/analytics/collect"
REAL_TIME: Final = "/analytics/realtime"
QUERY: Final = "/analytics/query"
EXPORT: Final = "/analytics/export"
STATUS: Final = "/analytics/status"
OPENAPI: Final = "/analytics/openapi.json"
HEALTH: Final = "/health"
_UNDER: Final = "/analytics/"
_READ_S: Final = 30.0
"""How long the body of a batch may take to arrive."""
_REPORT_S: Final = 30.0
"""How long the ledger may take for one bot."""
_HEALTH_S: Final = 5.0
_DAYS: Final = 30
_US: Final = 1_000_000


def beside_pages(centre: Centre) -> Beside:
    """The routes of a centre; the dashboard serves them."""

    async def collect(request: web.Request) -> web.Response:
        return await _take(request, centre, Batch)

    async def realtime(request: web.Request) -> web.Response:
        return await _take(request, centre, RealTime)

    async def query(request: web.Request) -> web.Response:
        await _require_reader(request, centre)
        bot_id, since_us, until_us = _asked(request, centre)
        known = await _known(centre, bot_id)
        each = [await _report(centre, figures.of_bot, bot, since_us, until_us) for bot in known]
        return _json(figures.together(each, since_us, until_us))

    async def export(request: web.Request) -> web.Response:
        await _require_reader(request, centre)
        kind = request.query.get("format", "json")
        if kind not in {"json", "csv"}:
            raise _problem(400, "invalid", "format is json or csv")
        bot_id, since_us, until_us = _asked(request, centre)
        rows = []
        for bot in await _known(centre, bot_id):
            rows += await _report(centre, figures.daily, bot, since_us, until_us)
        if kind == "json":
            return _json([dict(zip(figures.DAILY, row, strict=True)) for row in rows])
        attached = {"Content-Disposition": 'attachment; filename="analytics.csv"'}
        return web.Response(text=figures.as_csv(rows), content_type="text/csv", headers=attached)

    async def status(request: web.Request) -> web.Response:
        await _require_reader(request, centre)
        known = await _known(centre, None)
        own = None if centre.own_stats is None else dict(centre.own_stats())
        return _json(
            {
                "is_signed": bool(centre.keys),
                "takes_unsigned": centre.takes_unsigned,
                "refused_batches": centre.refused,
                "bots": known,
                "collector": own,
            }
        )

    async def health(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_HEALTH_S):
                await (await centre.ledger()).read(lambda _: None)
        except (LedgerError, DBAPIError, TimeoutError):
            return _json({"ok": False}, status=503)
        return _json({"ok": True})

    described = msgspec.json.encode(document())

    async def openapi(request: web.Request) -> web.Response:
        return web.Response(body=described, content_type=JSON)

    return Beside(
        (
            web.post(COLLECT, collect),
            web.post(REAL_TIME, realtime),
            web.get(QUERY, query),
            web.get(EXPORT, export),
            web.get(STATUS, status),
            web.get(OPENAPI, openapi),
            web.get(HEALTH, health),
        ),
        parts=[(pages.NAME, pages.part(centre))],
        under=_UNDER,
        refuse=_refuse,
    )


def _refuse(refused: Refused) -> web.Response:
    """Whatever no route has answered, as every other problem."""
    if refused.allow is not None:
        words = Problem(error="method", message=f"this address is asked by {refused.allow}")
    elif refused.why == FOREIGN_PAGE:
        words = Problem(error=FOREIGN_PAGE, message="a page of another place may not send anything here")
    elif refused.status == web.HTTPNotFound.status_code:
        words = Problem(error="no_such_path", message=f"nothing is at this address; {OPENAPI} says what there is")
    else:
        words = Problem(error="failed", message="this centre has failed; its log says more")
    return _json(words, status=refused.status)


async def _take(request: web.Request, centre: Centre, kind: type[Batch | RealTime]) -> web.Response:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        # A server undoes it before a signature or a length can be checked.
        raise _problem(415, "kind", "send no Content-Encoding; a packed body is application/gzip")
    try:
        async with asyncio.timeout(_READ_S):
            body = await request.read()
    except TimeoutError:
        raise _problem(408, "slow", f"a batch has {_READ_S:g} seconds to arrive") from None
    except web.HTTPRequestEntityTooLarge:
        raise _problem(413, "too_long", f"a batch has at most {PACKED_MAX_BYTES} bytes") from None
    if len(body) > PACKED_MAX_BYTES:
        raise _problem(413, "too_long", f"a batch has at most {PACKED_MAX_BYTES} bytes")
    answer = await centre.take(kind, request.content_type, request.headers, body, from_here=sits_here(request))
    # A bot whose clock is wrong learns from Date what time it is here.
    headers = {"Date": formatdate(centre.clock.now_us() // _US, usegmt=True)}
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(answer.retry_after_s)
    return _json(answer.body, status=answer.status, headers=headers)


async def _require_reader(request: web.Request, centre: Centre) -> None:
    """Let in whoever has the token, a session, or this machine before them where nobody signs in; 401 for everybody else."""
    words = request.headers.getall("Authorization", ())
    if centre.token and len(words) == 1:
        kind, _, given = words[0].partition(" ")
        right = given.strip().encode("utf-8", "surrogateescape")
        if kind.lower() == "bearer" and hmac.compare_digest(right, centre.token.encode()):
            return
    try:
        somebody = await admitted(request)
    except BlindError:
        raise _away() from None
    if somebody is None:
        told = "sign in to the dashboard, or send Authorization: Bearer TOKEN"
        raise _problem(401, "stranger", told, {"WWW-Authenticate": "Bearer"})


def _asked(request: web.Request, centre: Centre) -> tuple[int | None, int, int]:
    days = request.query.get("days", str(_DAYS))
    is_number = days.isascii() and days.isdecimal() and len(days) <= len(str(figures.DAYS_MAX))
    if not is_number or not 1 <= int(days) <= figures.DAYS_MAX:
        raise _problem(400, "invalid", f"days is a whole number, 1 to {figures.DAYS_MAX}")
    until_us = centre.clock.now_us() + _US
    named = request.query.get("bot_id")
    try:
        number = None if named is None else bot_number(named)
    except ValidationError as exc:
        raise _problem(400, "invalid", str(exc)) from None
    return number, until_us - int(days) * figures.DAY_US, until_us


async def _known(centre: Centre, bot_id: int | None) -> list[figures.BotStatus]:
    """The bots that are asked about; 404 for one that has sent nothing."""
    try:
        known = await centre.bots(_REPORT_S)
    except (LedgerError, DBAPIError):
        raise _away() from None
    if bot_id is None:
        return known
    found = [bot for bot in known if bot.bot_id == bot_id]
    if not found:
        raise _problem(404, "no_such_bot", "this bot has sent nothing yet")
    return found


async def _report(centre: Centre, unit: Any, *args: object) -> Any:
    try:
        return await (await centre.ledger()).report(_REPORT_S, unit, *args)
    except (LedgerError, DBAPIError):
        raise _away() from None


def _away() -> web.HTTPException:
    return _problem(503, "ledger", "the ledger does not answer", {"Retry-After": str(AWAY_S)})


class _Problem(web.HTTPException):
    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.status_code = status
        super().__init__(text=body.decode(), headers=headers, content_type=JSON)


def _problem(status: int, error: str, message: str, headers: dict[str, str] | None = None) -> web.HTTPException:
    return _Problem(status, msgspec.json.encode(Problem(error=error, message=message)), headers or {})


def _json(told: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=msgspec.json.encode(told), status=status, headers=headers, content_type=JSON)
