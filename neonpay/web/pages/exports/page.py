"""The form of exports, and what it downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from aiohttp import web

from neonpay.books.paper import Format
from neonpay.books.parquet import require_parquet
from neonpay.core.sheets import WITH_BUYERS, Sheet
from neonpay.errors import ConfigurationError, LedgerError
from neonpay.web.access import Role, record_act, require, viewer
from neonpay.web.pages.exports.making import LIMIT_S, made
from neonpay.web.pages.exports.order import Order
from neonpay.web.reading import BlindError
from neonpay.web.rendering import render, speech
from neonpay.web.scope import scope_of
from neonpay.web.shops import bots_in_scope, shops

PATH: Final = "/exports"
_KINDS: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl",
    Format.PARQUET: "application/vnd.apache.parquet",
}
_CHUNK_BYTES: Final = 64 * 1024
_PATIENCE_S: Final = 60.0
"""How long a reader may take to take a piece; whoever takes longer is let go, with the file."""
_WRONG: Final = 400
_BUSY: Final = 503


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers at ``/exports``."""
    one_at_a_time = asyncio.Lock()

    async def download(request: web.Request) -> web.StreamResponse:
        try:
            order = Order.read(await request.post())
        except ValueError:
            return _page(request, refused="wrong", status=_WRONG)
        if order.with_names:
            require(request, Role.OPERATOR)
        if order.format is Format.PARQUET and not _has_parquet():
            return _page(request, refused="no_parquet", status=_WRONG)
        if one_at_a_time.locked():
            return _page(request, refused="busy", status=_BUSY)
        return await _send(request, order, one_at_a_time)

    return [web.get(PATH, show), web.post(PATH, download)]


async def show(request: web.Request) -> web.Response:
    """The page with the form."""
    return _page(request)


def _page(request: web.Request, *, refused: str = "", status: int = 200) -> web.Response:
    return render(
        request,
        "exports.html",
        status=status,
        sheets=list(Sheet),
        formats=[one for one in Format if one is not Format.PARQUET or _has_parquet()],
        may_name=viewer(request).role >= Role.OPERATOR,
        bots=bots_in_scope(request),
        refused=refused,
    )


async def _send(request: web.Request, order: Order, one_at_a_time: asyncio.Lock) -> web.StreamResponse:
    bots, w, ledger = bots_in_scope(request), speech(request), shops(request).ledger
    detail = {
        "format": order.format.value,
        "since": str(order.first or ""),
        "until": str(order.last or ""),
        "names": order.with_names and order.sheet in WITH_BUYERS,
    }
    try:
        # First, so that nothing leaves the books that is not written down.
        await record_act(
            request, act="export.download", bot_id=scope_of(request).bot_id, subject=order.sheet.value, detail=detail
        )
        async with AsyncExitStack() as stack:
            async with one_at_a_time:  # while the ledger is read, and not while somebody's line is slow
                path = await stack.enter_async_context(made(ledger, bots, order, w.zone))
            return await _stream(request, order, path)
    except LedgerError as exc:
        raise BlindError(LIMIT_S) from exc


async def _stream(request: web.Request, order: Order, path: Path) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "Content-Type": _KINDS[order.format],
            "Content-Disposition": f'attachment; filename="{order.file_name}"',
            "Content-Length": str((await asyncio.to_thread(path.stat)).st_size),
        }
    )
    await response.prepare(request)
    try:
        with await asyncio.to_thread(path.open, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                async with asyncio.timeout(_PATIENCE_S):
                    await response.write(chunk)
        await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # so that what has arrived does not look whole
    return response


def _has_parquet() -> bool:
    try:
        require_parquet()
    except ConfigurationError:
        return False
    return True
