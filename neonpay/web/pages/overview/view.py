"""What the first page says, made from figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neonpay.core.payments import PaymentState
from neonpay.core.transactions import NANOSTARS
from neonpay.web.drawn.flow import Flow, flow
from neonpay.web.drawn.net import net_chart
from neonpay.web.drawn.numbers import amount, nanostars
from neonpay.web.marks import stars

if TYPE_CHECKING:
    from markupsafe import Markup

    from neonpay.analytics.figures import Attention, Funnel, Revenue, Statement
    from neonpay.web.charts import Figure
    from neonpay.web.pages.overview.rows import Line, Lines
    from neonpay.web.reporting import Asked
    from neonpay.web.speech import Speech

Row = tuple[str, "Markup | str", str]
"""A line of a statement: what it is, how much, and a class."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What Telegram says to our books.

    Attributes:
        is_proved: it agrees with all of it.
        is_gap: something is amiss, and not only not compared yet.
    """

    words: str
    is_proved: bool = False
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A payment that waits for a person, and why."""

    line: Line
    title: str
    cause: str

    @property
    def may_retry(self) -> bool:
        """Whether its delivery may be tried again."""
        return self.line.life.word == "failed"

    @property
    def may_refund(self) -> bool:
        """Whether it needs a decision, of which giving the Stars back is one."""
        return self.line.payment.state is PaymentState.NEEDS_ATTENTION


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page."""

    sentence: str
    lead: str
    revenue: Figure
    statement: Sequence[Row]
    proof: Proof
    figures: Sequence[Row]
    flow: Flow
    jobs: Sequence[Job]
    more_jobs: int
    newest: Sequence[Line]


def view_of(
    about: Asked, *, revenue: Revenue, statement: Statement, funnel: Funnel, attention: Attention, lines: Lines
) -> Overview:
    """The page as this reader sees it."""
    w = about.w
    proof = proof_of(w, statement, attention)
    needs = lines.waiting_count
    return Overview(
        sentence=_sentence(w, statement, attention, needs),
        lead=w.count(
            "overview.orders_from",
            statement.takings.orders,
            people=w.count("overview.people", statement.customers),
            period=w(f"overview.in_{about.name}"),
            time=f"{w.time(about.now)} {w.zone_name}",
        ),
        revenue=net_chart(w, revenue, about.name),
        statement=_statement(w, statement, proof),
        proof=proof,
        figures=_figures(w, statement),
        flow=flow(w, funnel, needs_person=needs > 0),
        jobs=[Job(line, line.product or w("payments.unknown_product"), cause_of(w, line)) for line in lines.waiting],
        more_jobs=needs - len(lines.waiting),
        newest=lines.newest,
    )


def proof_of(w: Speech, statement: Statement, attention: Attention) -> Proof:
    """What the last comparison with Telegram says."""
    balance = statement.balance
    if balance.as_of is None or statement.gap_stars is None:
        return Proof(w("overview.not_compared"))
    time = f"{w.time(balance.as_of)} {w.zone_name}"
    if attention.unexplained:
        return Proof(w.count("overview.missing", attention.unexplained), is_gap=True)
    if balance.drift_nanostars:
        return Proof(w("overview.drifted", gap=nanostars(w, balance.drift_nanostars), time=time), is_gap=True)
    if statement.gap_stars:
        since = f"{w.number(statement.gap_stars)} {w.count('frame.stars_word', statement.gap_stars)}"
        return Proof(w("overview.agreed", time=time, stars=since))
    return Proof(w("overview.agrees", time=time), is_proved=True)


def cause_of(w: Speech, line: Line) -> str:
    """Why a payment waits, in a sentence."""
    payment, life = line.payment, line.life
    if payment.state is PaymentState.NEEDS_ATTENTION and payment.attention is not None:
        return w(f"overview.cause_{payment.attention.value}")
    if life.word == "refund_refused":
        return w("overview.cause_refund_refused_late")
    why = life.why.rstrip(".") or w(f"payments.state_{life.word}")
    return w("overview.cause_after_refund" if life.word == "after_refund" else "overview.cause_failed", why=why)


def _sentence(w: Speech, statement: Statement, attention: Attention, needs: int) -> str:
    if attention.unexplained or statement.balance.drift_nanostars:
        unexplained = attention.unexplained
        gap = w.count("overview.gap_payments", unexplained) if unexplained else w("overview.drift")
        return w.count("overview.needs_too", needs, before=gap) if needs else gap
    if statement.gap_stars is None:
        return w.count("overview.unproved_needs", needs) if needs else w("overview.unproved")
    return w.count("overview.needs", needs) if needs else w("overview.calm")


def _statement(w: Speech, statement: Statement, proof: Proof) -> list[Row]:
    takings = statement.takings
    kind = "sum proved" if proof.is_proved else "sum open" if proof.is_gap else "sum"
    return [
        (w("overview.one_off"), stars(w, statement.one_off.gross_stars), ""),
        (w("overview.subscriptions"), w.number(statement.subscriptions.gross_stars), ""),
        (w.count("overview.refunded_n", takings.returned), w.number(-takings.returned_stars), ""),
        (w("overview.net"), stars(w, takings.net_stars), kind),
    ]


def _figures(w: Speech, statement: Statement) -> list[Row]:
    rate = statement.takings.refund_rate
    balance = statement.balance
    label = w("overview.balance")
    if balance.as_of is not None:
        label = w("overview.balance_at", time=w.time(balance.as_of))
    held = balance.telegram_nanostars
    unknown = w("overview.unknown")
    return [
        (w("overview.orders"), w.number(statement.takings.orders), ""),
        (w("overview.median"), amount(w, statement.median_stars), ""),
        (w("overview.refund_rate"), unknown if rate is None else w.percent(rate), ""),
        (w("overview.active"), w.number(statement.active_subscriptions), ""),
        (label, unknown if held is None else stars(w, held // NANOSTARS), ""),
    ]
