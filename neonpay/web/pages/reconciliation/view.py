"""What the page of reconciliation says, made from figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.analytics import METRICS, Bucket
from neonpay.core.transactions import NANOSTARS
from neonpay.core.transactions import Account as Kind
from neonpay.web.drawn.numbers import nanostars
from neonpay.web.drawn.times import is_open, spoken
from neonpay.web.marks import stars

if TYPE_CHECKING:
    from markupsafe import Markup

    from neonpay.analytics.figures import Account, AccountDay
    from neonpay.web.pages.reconciliation.query import Books, Missing
    from neonpay.web.reporting import Asked
    from neonpay.web.speech import Speech

Row = tuple[str, "Markup | str", str]
DAYS_SHOWN: Final = 7
_KNOWN: Final = frozenset({*(each.value for each in Kind), "drift"})


@dataclass(frozen=True, slots=True)
class Day:
    """A line of the T-account; stars stand at the first figures alone."""

    name: str
    is_open: bool
    ledger: Markup | str
    gap: str
    telegram: Markup | str
    is_off: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The page.

    Attributes:
        folded: the sum of the days that are not shown, which agree; None when all are.
        is_proved: Telegram has all of it.
        is_gap: something is amiss, and not only not compared yet.
    """

    sentence: str
    lead: str
    is_proved: bool
    is_gap: bool
    ledger_stars: int
    gap_stars: int
    telegram_stars: int
    days: Sequence[Day]
    folded: Day | None
    missing: Sequence[Missing]
    more_missing: int
    checks: Sequence[Row]
    balance: Sequence[Row]
    balance_definition: str
    others: Sequence[tuple[str, str, str]]
    others_definition: str


def view_of(about: Asked, account: Account, books: Books, *, shows_all: bool) -> Page:
    """The page as this reader sees it.

    Args:
        shows_all: whether days that agree are shown, however long ago they were.
    """
    w, balance = about.w, account.balance
    spans = [day.span for day in account.days]
    is_gap = bool(account.unexplained or balance.drift_nanostars)
    newest = [(day, is_open(spans, place)) for place, day in enumerate(account.days)][::-1]
    shown = [one for place, one in enumerate(newest) if shows_all or place < DAYS_SHOWN or one[0].gap_stars]
    hidden = [one for one in newest if one not in shown]
    ledger = sum(day.ledger_stars for day in account.days)
    telegram = sum(day.telegram_stars for day in account.days)
    folded = sum(day.ledger_stars for day, _ in hidden)
    return Page(
        sentence=_sentence(w, account),
        lead=_lead(w, account),
        is_proved=account.gap_stars == 0 and not is_gap,
        is_gap=is_gap,
        ledger_stars=ledger,
        gap_stars=telegram - ledger,
        telegram_stars=telegram,
        days=[
            _day(w, day, account, unfinished=unfinished, has_star=not place)
            for place, (day, unfinished) in enumerate(shown)
        ],
        folded=Day(w.count("reconciliation.earlier", len(hidden)), False, w.number(folded), "0", w.number(folded))
        if hidden
        else None,
        missing=books.missing,
        more_missing=account.unexplained - len(books.missing),
        checks=[
            _check(
                w, one.bot_id, None if one.at is None else f"{w.date(one.at)}, {w.time(one.at)}", one.drift_nanostars
            )
            for one in books.compared
        ],
        balance=_balance(w, account),
        balance_definition=METRICS["held"].said(w.language),
        others=[
            (
                w(f"reconciliation.account_{one.account}") if one.account in _KNOWN else one.account,
                w.number(one.count),
                nanostars(w, one.nanostars),
            )
            for one in account.others
        ],
        others_definition=METRICS["spending"].said(w.language),
    )


def _sentence(w: Speech, account: Account) -> str:
    if account.unexplained:
        return w.count("reconciliation.missing", account.unexplained)
    if account.balance.drift_nanostars:
        return w("reconciliation.drift")
    return w("reconciliation.never" if account.balance.as_of is None else "reconciliation.agree")


def _lead(w: Speech, account: Account) -> str:
    balance = account.balance
    if balance.as_of is None:
        return w("reconciliation.never_lead")
    if account.unexplained:
        return w("reconciliation.missing_lead")
    if balance.drift_nanostars:
        return w("reconciliation.drift_lead", gap=nanostars(w, balance.drift_nanostars))
    time = f"{w.time(balance.as_of)} {w.zone_name}"
    if account.waiting:
        since = f"{w.number(account.waiting_stars)} {w.count('frame.stars_word', account.waiting_stars)}"
        return w("reconciliation.checked_waiting", time=time, stars=since)
    return w("reconciliation.checked", time=time)


def _day(w: Speech, day: AccountDay, account: Account, *, unfinished: bool, has_star: bool) -> Day:
    gap = -day.gap_stars
    return Day(
        name=spoken(w, day.span, Bucket.DAY),
        is_open=unfinished,
        ledger=stars(w, day.ledger_stars) if has_star else w.number(day.ledger_stars),
        gap=w.number(gap),
        telegram=stars(w, day.telegram_stars) if has_star else w.number(day.telegram_stars),
        is_off=bool(gap) and account.unexplained > 0,
    )


def _check(w: Speech, bot_id: int, time: str | None, drift: int) -> Row:
    name = w("reconciliation.bot", bot=bot_id)
    if time is None:
        return name, w("reconciliation.none"), ""
    if drift:
        return name, w("reconciliation.drifts", time=time, gap=nanostars(w, drift)), "bad"
    return name, w("reconciliation.agrees", time=time), ""


def _balance(w: Speech, account: Account) -> list[Row]:
    balance = account.balance
    said = balance.telegram_nanostars
    label = w("reconciliation.telegram")
    if balance.as_of is not None:
        label = w("reconciliation.at_telegram", time=w.time(balance.as_of))
    return [
        (label, w("reconciliation.unknown") if said is None else stars(w, said // NANOSTARS), ""),
        (w("reconciliation.in_books"), w.number(balance.stars), ""),
        (w("reconciliation.held"), w.number(balance.held_stars), ""),
        (w("reconciliation.withdrawable"), stars(w, balance.withdrawable_stars), "sum"),
    ]
