"""``/reconciliation``: our books beside Telegram's, day by day, and the gap between them by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.analytics import Bucket
from neonpay.errors import NeonPayError
from neonpay.web.access import Role, record_act, require, viewer
from neonpay.web.acting import DONE, cause
from neonpay.web.pages.reconciliation.query import read_books
from neonpay.web.pages.reconciliation.view import view_of
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.reporting import asked, told
from neonpay.web.scope import scope_of
from neonpay.web.shops import bots_in_scope, shops

PATH: Final = "/reconciliation"
_CONFLICT: Final = 409


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page, and the comparison that a person asks for."""
    return [web.get(PATH, show), web.post(PATH, check)]


async def show(request: web.Request) -> web.Response:
    """The T-account of the period."""
    return await _page(request)


async def check(request: web.Request) -> web.Response:
    """Compare the bots in scope with Telegram now."""
    require(request, Role.OPERATOR)
    for bot_id in bots_in_scope(request):
        try:
            report = await shops(request).of_bot(bot_id).books.reconcile()
        except NeonPayError as exc:
            return await _page(request, refused=cause(exc), status=_CONFLICT)
        await record_act(request, act="books.reconcile", bot_id=bot_id, detail={"recovered": report.recovered})
    raise web.HTTPSeeOther(scope_of(request).link(PATH, **{DONE: "checked"}))


async def _page(request: web.Request, *, refused: str = "", status: int = 200) -> web.Response:
    about = await asked(request)
    found = await told(lambda: about.reports.account(about.period, by=Bucket.DAY, bots=about.bots))
    books = await read(request, read_books, about.bots)
    shows_all = request.query.get("days") == "all"
    return render(
        request,
        "reconciliation.html",
        status=status,
        a=view_of(about, found, books, shows_all=shows_all),
        shows_all=shows_all,
        may_act=viewer(request).role >= Role.OPERATOR,
        is_done=request.query.get(DONE) == "checked",
        refused=refused,
    )
