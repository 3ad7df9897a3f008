"""What a person decides about a payment: deliver it again, accept it, give its Stars back, write something down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.core.jsontext import JsonObject
from neonpay.core.payments import PaymentState
from neonpay.errors import LedgerError, NeonPayError
from neonpay.web.access import Role, record_act, require
from neonpay.web.acting import DONE, cause, field, speaks, who_acts
from neonpay.web.pages.payments.detail import PATH, may_refund, named, page_of, show_whole
from neonpay.web.pages.payments.notes import MOST_CHARS, is_note_id, write_note
from neonpay.web.pages.payments.whole import Whole
from neonpay.web.rendering import render
from neonpay.web.scope import scope_of
from neonpay.web.shops import shops

_CONFLICT: Final = 409
_MOST_REASON_CHARS: Final = 300


def routes() -> Iterable[web.AbstractRouteDef]:
    """The acts, and the page that asks before a refund."""
    return [
        web.post(f"{PATH}/retry", retry),
        web.post(f"{PATH}/accept", accept),
        web.get(f"{PATH}/refund", ask_refund),
        web.post(f"{PATH}/refund", refund),
        web.post(f"{PATH}/note", note),
    ]


async def retry(request: web.Request) -> web.Response:
    """Have the unfinished handlers of a payment run again now."""
    require(request, Role.OPERATOR)
    whole = await named(request)
    paid = whole.payment
    try:
        due = await shops(request).of_bot(paid.bot_id).jobs.retry(paid.charge_id)
    except NeonPayError as exc:
        return _refused(request, whole, exc)
    await record_act(request, act="payment.retry", bot_id=paid.bot_id, subject=paid.charge_id, detail={"due": due})
    return _back(request, whole, "retry" if due else "nothing")


async def accept(request: web.Request) -> web.Response:
    """Have a payment delivered that needs attention, or count as delivered."""
    require(request, Role.OPERATOR)
    whole = await named(request)
    paid, is_delivered = whole.payment, await field(request, "delivered") == "1"
    done = "delivered" if is_delivered else "accept"
    if paid.state is PaymentState.ACCEPTED:
        return _back(request, whole, done)  # a second press
    try:
        await shops(request).of_bot(paid.bot_id).payments.accept(paid.charge_id, is_delivered=is_delivered)
    except NeonPayError as exc:
        return _refused(request, whole, exc)
    detail = {"delivered": True} if is_delivered else {}
    await record_act(request, act="payment.accept", bot_id=paid.bot_id, subject=paid.charge_id, detail=detail)
    return _back(request, whole, done)


async def ask_refund(request: web.Request) -> web.Response:
    """The page that asks before Stars go back, with the sums."""
    require(request, Role.OPERATOR)
    whole = await named(request)
    if not may_refund(whole):
        return _back(request, whole, "refund")
    return render(request, "refund.html", whole=whole, makes_it=speaks(shops(request).of_bot(whole.payment.bot_id)))


async def refund(request: web.Request) -> web.Response:
    """Give the Stars of a payment back, or write that down for the bot's process to do."""
    require(request, Role.OPERATOR)
    whole = await named(request)
    if not may_refund(whole):
        return _back(request, whole, "refund")  # a second press
    paid, reason = whole.payment, (await field(request, "reason"))[:_MOST_REASON_CHARS].strip() or None
    shop, who = shops(request).of_bot(paid.bot_id), who_acts(request)
    failed: NeonPayError | None = None
    outcome = "refused"
    try:
        if speaks(shop):
            made = await shop.refund(paid.charge_id, reason=reason, requested_by=who)
        else:
            made = await shop.program.pipeline.refunds.leave(paid.charge_id, reason=reason, requested_by=who)
        outcome = made.state.value
    except LedgerError as exc:
        return _refused(request, whole, exc)  # nothing was written, and no act can be either
    except NeonPayError as exc:
        failed = exc
    detail: JsonObject = {"stars": paid.amount_stars, "reason": reason, "outcome": outcome}
    await record_act(request, act="payment.refund", bot_id=paid.bot_id, subject=paid.charge_id, detail=detail)
    return _back(request, whole, "refund") if failed is None else _refused(request, await named(request), failed)


async def note(request: web.Request) -> web.Response:
    """Write a note; the id in its form makes a second press the same note."""
    require(request, Role.OPERATOR)
    whole = await named(request)
    paid, words, note_id = whole.payment, (await field(request, "words")).strip(), await field(request, "id")
    if not is_note_id(note_id) or not words or len(words) > MOST_CHARS:
        raise web.HTTPBadRequest
    ledger = shops(request).ledger
    try:
        is_new = await ledger.run(write_note, paid.bot_id, paid.charge_id, note_id, words, who_acts(request))
    except LedgerError as exc:
        return _refused(request, whole, exc)
    if is_new:
        await record_act(request, act="payment.note", bot_id=paid.bot_id, subject=paid.charge_id)
    return _back(request, whole, "note")


def _back(request: web.Request, whole: Whole, done: str) -> web.Response:
    raise web.HTTPSeeOther(scope_of(request).link(page_of(whole), **{DONE: done}))


def _refused(request: web.Request, whole: Whole, error: NeonPayError) -> web.Response:
    return show_whole(request, whole, refused=cause(error), status=_CONFLICT)
