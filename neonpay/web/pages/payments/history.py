"""The life of one payment as the stops of an upright trace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentResult, PaymentState
from neonpay.core.text import fit
from neonpay.payments.progress import short_name
from neonpay.web.durations import duration
from neonpay.web.pages.payments.whole import Fact, Whole
from neonpay.web.speech import Speech
from neonpay.web.words.events import event_title

Knot = Literal["dot", "star", "block", "done", "cross", "back"]
_ACCEPTED_BY_HAND: Final = "accepted by hand"
_QUIET: Final = frozenset(
    {"invoice_created", "payment_completed", "fulfilment_failed", "stars_moved", "message_queued"}
)
"""Events that another stop tells of, or that say nothing of their own."""
_BAD: Final = frozenset({
    "checkout_declined", "payment_needs_attention", "payment_rejected", "refund_failed", "fulfilment_abandoned",
    "subscription_failed", "payment_unexplained",
})  # fmt: skip
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_PAYLOAD_CHARS: Final = 12
_LATE: Final = timedelta(minutes=1)
"""From when on it is worth telling how late a payment was written."""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of a handler."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the trace.

    Attributes:
        line: how the line goes on below it: ``au`` for gold, ``broken``, ``todo``, or as before money.
        at: None for what has not happened.
        wait: how long after the stop before.
        text: in the words of the page.
        said: in the words of somebody else.
        tries: attempts, where there was more than one thing to tell.
        raw: what Telegram sent, as far as a page may show it.
    """

    knot: Knot
    title: str
    at: datetime | None = None
    line: str = ""
    wait: str = ""
    text: str = ""
    said: str = ""
    tries: Sequence[Try] = field(default=())
    raw: str = ""
    is_bad: bool = False


def stops(w: Speech, whole: Whole) -> list[Stop]:
    """What happened, in order, and at the end what has not happened yet."""
    earlier, paid, later = _happened(w, whole)
    # Telegram's clock is another than ours and tells whole seconds, so what came first is not left to the times alone.
    found = [*_in_order(earlier), paid, *_in_order(later)]
    timed: list[Stop] = []
    before: datetime | None = None
    for stop in found:
        wait = w("time.later", length=duration(w, stop.at - before)) if before and stop.at else ""
        timed.append(_with(stop, wait=wait))
        before = stop.at or before
    return [*_drawn(timed, whole), *_ahead(w, whole)]


def _in_order(found: Sequence[Stop]) -> list[Stop]:
    return sorted((stop for stop in found if stop.at is not None), key=lambda stop: stop.at or _NEVER)


def _happened(w: Speech, whole: Whole) -> tuple[list[Stop], Stop, list[Stop]]:
    """What came before the payment, the payment, and what came after it."""
    before = [_of(w, fact) for fact in whole.facts if not fact.is_of_charge and fact.name not in _QUIET]
    return [*_offer(w, whole), *before], _payment(w, whole), list(_after(w, whole))


def _offer(w: Speech, whole: Whole) -> Iterator[Stop]:
    invoice = whole.invoice
    if invoice is not None:
        until = w("payment.valid_until", until=w.moment(invoice.expires_at)) if invoice.expires_at else ""
        text = w.count("payment.invoice_text", invoice.price_stars, product=invoice.title)
        yield Stop("dot", w("payment.invoice"), invoice.created_at, text=f"{text} {until}".strip())


def _payment(w: Speech, whole: Whole) -> Stop:
    paid = whole.payment
    slow = paid.recorded_at - paid.paid_at
    late = f" {w('payment.late', late=duration(w, slow))}" if slow >= _LATE else ""
    return Stop(
        "star",
        w("payment.paid"),
        paid.paid_at,
        text=w(f"payment.source_{paid.source.value}") + late,
        raw=_raw(whole),
    )


def _after(w: Speech, whole: Whole) -> Iterator[Stop]:
    yield from _attempts(w, whole)
    for fact in whole.facts:
        if not fact.is_of_charge:
            continue
        if fact.name == "payment_completed" and fact.reason == _ACCEPTED_BY_HAND:
            yield Stop("dot", w("payment.accepted"), fact.at)
        elif fact.name not in _QUIET and not (fact.name == "fulfilment_abandoned" and _has_tries(whole, fact)):
            yield _of(w, fact)
    for note in whole.notes:
        yield Stop("dot", w("payment.noted", by=note.written_by), note.written_at, said=note.words)
    if whole.request is not None and not any(fact.name.startswith("refund_re") for fact in whole.facts):
        yield Stop("dot", w("payment.asked_back"), whole.request.requested_at, said=whole.request.words or "")


def _attempts(w: Speech, whole: Whole) -> Iterator[Stop]:
    by_handler: dict[str, list[Fact]] = {}
    for fact in whole.facts:
        if fact.name in {"fulfilment_failed", "fulfilment_abandoned"}:
            by_handler.setdefault(fact.handler or "", []).append(fact)
    for handler, failed in by_handler.items():
        ended = any(fact.name == "fulfilment_abandoned" for fact in failed)
        yield Stop(
            "cross",
            w.count("payment.failed_times", len(failed)),
            failed[0].at,
            text=w("payment.failed_ended" if ended else "payment.failed_again", handler=handler),
            tries=[Try(fact.at, fact.reason or "") for fact in failed],
            is_bad=True,
        )


def _has_tries(whole: Whole, fact: Fact) -> bool:
    return any(one.handler == fact.handler for one in whole.facts if one.name.startswith("fulfilment_"))


def _of(w: Speech, fact: Fact) -> Stop:
    knot: Knot = "cross" if fact.name in _BAD else "dot"
    if fact.name == "payment_delivered":
        knot = "done"
    elif fact.name == "payment_refunded":
        knot = "back"
    return Stop(knot, event_title(w.language, fact.name), fact.at, said=fact.reason or "", is_bad=fact.name in _BAD)


def _ahead(w: Speech, whole: Whole) -> Iterator[Stop]:
    state = whole.payment.state
    if state is PaymentState.REFUND_DUE or (whole.refund is not None and whole.refund.state in {"intended", "unknown"}):
        yield Stop("back", w("payment.back_ahead"), text=w("payment.back_ahead_text"), line="todo")
    elif state is PaymentState.NEEDS_ATTENTION:
        yield Stop("block", w("payment.goods"), text=w("payment.goods_decide"), line="todo")
    elif state is PaymentState.ACCEPTED and whole.life.trace in {"paid", "stuck"}:
        open_ones = [short_name(job.consumer) for job in whole.jobs if job.state != JobState.DONE]
        key = "payment.goods_stuck" if whole.life.trace == "stuck" else "payment.goods_soon"
        yield Stop("block", w("payment.goods"), text=w(key, handlers=", ".join(open_ones)), line="todo")


def _drawn(timed: Sequence[Stop], whole: Whole) -> Iterator[Stop]:
    """The stops with the lines between them: thin before money, gold after it, dashed where it broke."""
    is_paid, is_broken, is_back = False, False, False
    for stop in timed:
        is_paid = is_paid or stop.knot == "star"
        is_broken = whole.life.trace == "stuck" and (is_broken or (is_paid and stop.is_bad))
        is_back = is_back or stop.knot == "back"
        yield _with(stop, line="broken" if is_broken else "" if is_back or not is_paid else "au")


def _with(stop: Stop, *, wait: str | None = None, line: str | None = None) -> Stop:
    return Stop(
        stop.knot,
        stop.title,
        stop.at,
        stop.line if line is None else line,
        stop.wait if wait is None else wait,
        stop.text,
        stop.said,
        stop.tries,
        stop.raw,
        is_bad=stop.is_bad,
    )


def _raw(whole: Whole) -> str:
    """Telegram's object without what its payload says, which may be anybody's."""
    told = PaymentResult.of(whole.payment).raw
    told["invoice_payload"] = fit(str(told["invoice_payload"]), _PAYLOAD_CHARS)
    return json.dumps(told, indent=2, ensure_ascii=False)
