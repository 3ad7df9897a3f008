"""The funnel as the trace drawn large: how many came to each stop, and what became of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.analytics import METRICS
from neonpay.core.checkout import Decline
from neonpay.web.charts import blank_stream, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from neonpay.analytics.figures import Funnel
    from neonpay.web.speech import Speech

_NAMED: Final = 3
"""How many reasons stand below the stop; the rest is one number."""
_KNOWN: Final = frozenset(each.value for each in Decline)


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop: its name, how many came to it, and what is said below it."""

    name: str
    count: int
    words: str = ""
    is_bad: bool = False
    is_paid: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """The stream of a page."""

    title: str
    say: str
    plot: Markup
    stops: Sequence[Stop]
    definition: str


def reason_words(w: Speech, reason: str) -> str:
    """Why a checkout was declined; a word of the program's own is as it is, but for lines in the place of spaces."""
    return w(f"declines.{reason}") if reason in _KNOWN else reason.replace("_", " ")


def flow(w: Speech, funnel: Funnel, *, needs_person: bool) -> Flow:
    """The funnel of a period.

    Args:
        needs_person: whether something that was paid waits for a person.
    """
    stops = _stops(w, funnel, needs_person=needs_person)
    say = _paid_of(w, funnel) if funnel.invoiced or funnel.viewed else ""
    counts = [stop.count for stop in stops]
    label = ", ".join(w("overview.stop_label", stop=stop.name, n=w.number(stop.count)) for stop in stops)
    return Flow(
        title=w("overview.stream" if funnel.viewed is not None else "overview.stream_trace"),
        say=say,
        plot=stream(counts, label=label) if any(counts) else blank_stream(len(stops)),
        stops=stops,
        definition=METRICS["funnel"].said(w.language),
    )


def _has_all_looks(funnel: Funnel) -> bool:
    """Whether shares of looks say anything: a bot that tells of some looks only has more invoices than looks."""
    return bool(funnel.viewed) and (funnel.viewed or 0) >= max(funnel.invoiced, funnel.paid)


def _paid_of(w: Speech, funnel: Funnel) -> str:
    """How many came to the goods; as two numbers where people pay one invoice several times, since no share is above all."""
    if _has_all_looks(funnel):
        return w("overview.paid_of_views", share=_share(w, funnel.paid, funnel.viewed))
    if funnel.paid > funnel.invoiced:
        return w("overview.paid_often", paid=w.number(funnel.paid), invoices=w.number(funnel.invoiced))
    return w("overview.paid_of_invoices", share=_share(w, funnel.paid, funnel.invoiced))


def _stops(w: Speech, funnel: Funnel, *, needs_person: bool) -> list[Stop]:
    stops = []
    if funnel.viewed is not None:
        stops.append(Stop(w("overview.viewed"), funnel.viewed))
    of_views = w("overview.of_views", share=_share(w, funnel.invoiced, funnel.viewed)) if _has_all_looks(funnel) else ""
    stops.append(Stop(w("overview.invoiced"), funnel.invoiced, of_views))
    of_invoices = (
        w("overview.of_invoices", share=_share(w, funnel.checkouts, funnel.invoiced)) if funnel.invoiced else ""
    )
    stops.append(Stop(w("overview.checkout"), funnel.checkouts, of_invoices))
    stops.append(Stop(w("overview.paid"), funnel.paid, _declined(w, funnel), is_paid=True))
    undelivered = max(0, funnel.paid - funnel.delivered)
    words = ""
    if funnel.paid:
        share = w.percent(funnel.delivered / funnel.paid, 0 if not undelivered else 2)
        words = w.count("overview.undelivered", undelivered, share=share) if undelivered else share
    stops.append(
        Stop(w("overview.delivered"), funnel.delivered, words, bool(undelivered) and needs_person, is_paid=True)
    )
    return stops


def _declined(w: Speech, funnel: Funnel) -> str:
    if not funnel.checkouts:
        return ""
    share = w("overview.of_checkouts", share=_share(w, funnel.paid, funnel.checkouts))
    if not funnel.declined:
        return share
    named = [
        w("declines.count", n=w.number(one.count), reason=reason_words(w, one.reason))
        for one in funnel.declines[:_NAMED]
    ]
    rest = sum(one.count for one in funnel.declines[_NAMED:])
    if rest:
        named.append(w("declines.count", n=w.number(rest), reason=w("declines.other")))
    declined = w.count("overview.declined", funnel.declined)
    return w("overview.share_declined", share=share, declined=declined, reasons=", ".join(named))


def _share(w: Speech, part: int, whole: int | None) -> str:
    return w.percent(part / whole) if whole else ""
