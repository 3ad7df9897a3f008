"""``GET /payments/BOT/CHARGE``: one payment, from its invoice to where its Stars are now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.core.charge_ids import charge_key
from neonpay.core.payments import Attention
from neonpay.payments.progress import short_name
from neonpay.web.asked import fit_line
from neonpay.web.pages.payments.history import stops
from neonpay.web.pages.payments.whole import Whole, read_whole
from neonpay.web.reading import read
from neonpay.web.rendering import render, speech
from neonpay.web.shops import shops
from neonpay.web.speech import Speech

PATH: Final = r"/payments/{bot:\d{1,18}}/{charge}"
_MOST_CHARS: Final = 5_000


def routes() -> Iterable[web.AbstractRouteDef]:
    """One payment."""
    return [web.get(PATH, show)]


async def show(request: web.Request) -> web.Response:
    """The page of a payment."""
    w = speech(request)
    whole = await named(request)
    title, why = said(w, whole)
    return render(
        request, "payment.html", whole=whole, title=title, why=why, stops=stops(w, whole), short_name=short_name
    )


async def named(request: web.Request) -> Whole:
    """The payment that the address names; raises aiohttp's HTTPNotFound when these pages have none."""
    bot_id = int(request.match_info["bot"])
    shops(request).of_bot(bot_id)
    charge = request.match_info["charge"]
    if charge != fit_line(charge, most=_MOST_CHARS):
        raise web.HTTPNotFound
    whole = await read(request, read_whole, bot_id, charge_key(charge))
    if whole is None:
        raise web.HTTPNotFound
    return whole


def said(w: Speech, whole: Whole) -> tuple[str, str]:
    """What is the case, and where the Stars are."""
    life, paid = whole.life, whole.payment
    product = whole.product or w("payments.unknown_product")
    title = w(f"payment.is_{life.word}", name=whole.person.name, product=product)
    refused = whole.refund.error if whole.refund is not None and life.word == "refund_refused" else None
    why = w(f"payment.why_{life.word}", why=refused or life.why)
    if life.word == "attention" and paid.attention in set(Attention):
        why = f"{w(f'payment.attention_{paid.attention.value}')} {why}"
    return title, why
