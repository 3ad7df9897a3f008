"""``GET /payments/BOT/CHARGE``: one payment, from its invoice to where its Stars are now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from aiohttp import web

from neonpay.core.charge_ids import charge_key
from neonpay.core.payments import Attention, PaymentState, RefundState
from neonpay.payments.progress import short_name
from neonpay.store.ids import new_event_id
from neonpay.web.access import Role, viewer
from neonpay.web.acting import DONE
from neonpay.web.asked import fit_line
from neonpay.web.pages.payments.history import stops
from neonpay.web.pages.payments.notes import MOST_CHARS
from neonpay.web.pages.payments.whole import Whole, read_whole
from neonpay.web.reading import read
from neonpay.web.rendering import render, speech
from neonpay.web.shops import shops
from neonpay.web.speech import Speech

PATH: Final = r"/payments/{bot:\d{1,18}}/{charge}"
_MOST_CHARS: Final = 5_000
_TOLD: Final = frozenset({"retry", "accept", "delivered", "nothing", "note"})


def routes() -> Iterable[web.AbstractRouteDef]:
    """One payment."""
    return [web.get(PATH, show)]


async def show(request: web.Request) -> web.Response:
    """The page of a payment."""
    return show_whole(request, await named(request))


def show_whole(request: web.Request, whole: Whole, *, refused: str = "", status: int = 200) -> web.Response:
    """The page of a payment that was read.

    Args:
        refused: why what somebody has asked for was not done.
    """
    w = speech(request)
    title, why = said(w, whole)
    paid = whole.payment
    return render(
        request,
        "payment.html",
        status=status,
        whole=whole,
        title=title,
        why=why,
        stops=stops(w, whole),
        short_name=short_name,
        told="" if refused else _told(w, whole, request.query.get(DONE, "")),
        refused=refused,
        page=page_of(whole),
        may_act=viewer(request).role >= Role.OPERATOR,
        may_retry=paid.state is PaymentState.ACCEPTED and whole.life.trace in {"paid", "stuck"},
        may_accept=paid.state is PaymentState.NEEDS_ATTENTION,
        may_be_delivered=paid.attention in {Attention.RESTORED, Attention.OTHER_LEDGER},
        may_refund=may_refund(whole),
        note_id=new_event_id(),
        most_chars=MOST_CHARS,
    )


def page_of(whole: Whole) -> str:
    """The path of a payment."""
    return f"/payments/{whole.payment.bot_id}/{quote(whole.payment.telegram_charge_id, safe='')}"


def may_refund(whole: Whole) -> bool:
    """Whether a person may start a refund: the Stars are with the bot and not on their way."""
    is_here = whole.payment.state in {PaymentState.ACCEPTED, PaymentState.NEEDS_ATTENTION}
    return is_here and (whole.refund is None or whole.refund.state is RefundState.FAILED)


def _told(w: Speech, whole: Whole, done: str) -> str:
    """What has become of an act; of a refund it is said by what the ledger has, and not by the address."""
    if done == "refund" and whole.refund is not None:
        stars = w.count("payment.stars_count", whole.refund.amount_stars)
        return w(f"payment.refund_{whole.refund.state.value}", stars=stars, name=whole.person.name)
    return w(f"payment.done_{done}") if done in _TOLD else ""


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
