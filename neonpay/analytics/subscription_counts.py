"""What the steps of subscribers add up to: from the rollup for those of whom nothing is new, and for the others anew.

Both are counted in the same way. A rollup knows nothing of the stages that somebody has beside those that are looked at, so
where stages are named everybody is counted anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import gcd
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.marks import marks, names_of, numbers_of
from neonpay.analytics.measures import microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_periods import first_ever, newer_periods, newer_subscribers, paid_periods
from neonpay.analytics.subscription_steps import Step, Subscriber, steps
from neonpay.analytics.summing import edge_names, edges_at
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables_rollups import IS_MOVING, rollup_subscriptions

NEW: Final = "new"
RETURNED: Final = "returned"
EXPANSION: Final = "expansion"
CONTRACTION: Final = "contraction"
CHURNS: Final = ("untold_churn", "voluntary_churn", "involuntary_churn")
"""By the codes of ``subscription_steps``."""
_NONE: Final = ""
_ONE: Final = sa.literal_column("1", sa.BigInteger)
_ZERO: Final = sa.literal_column("0", sa.BigInteger)


@dataclass(slots=True)
class Moved:
    """How the subscribers of one bucket have changed.

    Attributes:
        count, stars: by how much there are more at its end than at its beginning.
        kinds: how many subscribers, and Stars, of each kind of movement.
    """

    count: int = 0
    stars: int = 0
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)

    def note(self, kind: str, number: int, stars: int, more: int, more_stars: int) -> None:
        """Count some subscribers."""
        known = self.kinds.get(kind, (0, 0))
        self.kinds[kind] = (known[0] + number, known[1] + stars)
        self.count += more
        self.stars += more_stars


@dataclass(slots=True)
class Standing:
    """What of one stage is in force at a moment."""

    active: int = 0
    mrr_stars: int = 0
    renewing: int = 0

    def note(self, active: int, mrr_stars: int, renewing: int) -> None:
        """Count some."""
        self.active += active
        self.mrr_stars += mrr_stars
        self.renewing += renewing


class SubscriptionCounts:
    """Counts of the subscriptions of some bots and stages, each of which begins with who is newer than the rollup.

    Args:
        since_us, until_us: between which moments everything that is asked for lies.
    """

    def __init__(self, transaction: Transaction, scope: Scope, since_us: int, until_us: int) -> None:
        self._transaction = transaction
        self._scope = scope
        self._after = marks(transaction, scope) if scope.stage_ids is None else {}
        if self._after:
            self._anew = list(steps(newer_periods(transaction, scope, since_us, until_us, self._after)))
        else:
            self._anew = list(steps(paid_periods(transaction, scope, since_us, until_us)))

    def active(self, at_us: int) -> int:
        """How many are in force at a moment."""
        anew = sum(step.at_us <= at_us < step.until_us for step in self._anew)
        return anew + (int(self._rows(_active(tuple(self._after)), at_us)[0][0]) if self._after else 0)

    def standing(self, at_us: int) -> dict[str, Standing]:
        """What is in force at a moment, by stage."""
        found: dict[str, Standing] = defaultdict(Standing)
        for step in self._anew:
            if step.at_us <= at_us < step.until_us:
                found[step.stage_id].note(1, step.stars, int(step.renews))
        if self._after:
            for stage_id, *figures in self._rows(_standing(tuple(self._after)), at_us):
                found[str(stage_id)].note(*[int(figure) for figure in figures])
        return dict(found)

    def ending(self, at_us: int, spans: Sequence[Span]) -> dict[int, tuple[int, int]]:
        """What is in force at a moment, ends in each day and is set to renew: how many and Stars, by the day's place.

        Args:
            spans: days of a zone, one after the other; the first has that moment in it.
        """
        found: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for step in self._anew:
            if step.at_us <= at_us < step.until_us and step.renews:
                for place, span in enumerate(spans):
                    if span.starts_us <= step.ends_us < span.ends_us:
                        found[place] = (found[place][0] + 1, found[place][1] + step.stars)
        if self._after:
            starts = [span.starts_us for span in spans]
            # As wide as all days are made of: one day, or an hour where the clock goes forward or back.
            width_us = gcd(*[span.ends_us - span.starts_us for span in spans])
            slots = self._rows(_ending(tuple(self._after)), starts[0], width_us, at_us)
            for at_slot, number, stars in slots:
                ends_us = starts[0] + int(at_slot) * width_us
                place = bisect_right(starts, ends_us) - 1
                if place >= 0 and ends_us < spans[place].ends_us:
                    found[place] = (found[place][0] + int(number), found[place][1] + int(stars))
        return dict(found)

    def moved(self, spans: Sequence[Span]) -> list[Moved]:
        """How subscribers have changed from the beginning of each span to its end."""
        found = [Moved() for _ in spans]
        for place, kind, *figures in self._moved_anew(spans):
            found[place].note(kind, *figures)
        if self._after:
            times = [at_us for span in spans for at_us in (span.starts_us, span.ends_us)]
            for code, *numbers in self._rows(_moved(tuple(self._after), len(spans)), *times):
                place, how = divmod(int(code), _HOWS)
                found[place].note(_kind_of(how), *[int(number) for number in numbers])
        return found

    def _moved_anew(self, spans: Sequence[Span]) -> Iterator[tuple[int, str, int, int, int, int]]:
        for place, span in enumerate(spans):
            theirs: dict[Subscriber, list[Step]] = defaultdict(list)
            for step in self._anew:
                if span.starts_us < step.at_us <= span.ends_us:
                    theirs[step.subscriber].append(step)
            came = [who for who, each in theirs.items() if not _first(each).active_before and _last(each).active]
            first = first_ever(self._transaction, self._scope, came)
            for who, each in theirs.items():
                stars = sum(step.stars - step.stars_before for step in each)
                count = sum((step.stars > 0) - (step.stars_before > 0) for step in each)
                is_new = first.get(who, 0) > span.starts_us
                yield place, _kind(each, stars, is_new=is_new), 1, abs(stars), count, stars

    def _rows(self, statement: Statement, *values: int) -> Sequence[Sequence[Any]]:
        return self._transaction.rows(statement, *values, *self._after.values())


_AT: Final = "at"
_SLOTS: Final = ("first", "width")
_MOVED: Final = 0
_HOWS: Final = 128
"""How many ways there are for a subscriber to move within a span, as ``_moved_in_rollup`` writes them beside its place."""


@lru_cache(100)
def _active(bots: tuple[int, ...]) -> Statement:
    query = sa.select(sa.func.count()).select_from(rollup_subscriptions)
    return Statement(query.where(*_holds(bots)), _AT, *names_of(bots))


@lru_cache(100)
def _standing(bots: tuple[int, ...]) -> Statement:
    s = rollup_subscriptions.c
    query = sa.select(s.stage_id, sa.func.count(), sa.func.sum(s.stars), sa.func.sum(s.renews))
    return Statement(query.where(*_holds(bots)).group_by(s.stage_id), _AT, *names_of(bots))


@lru_cache(100)
def _ending(bots: tuple[int, ...]) -> Statement:
    s = rollup_subscriptions.c
    first, width = (sa.bindparam(name, type_=sa.BigInteger) for name in _SLOTS)
    slot = ((microseconds_of(s.ends_at) - first) // width).label("slot")
    query = sa.select(slot, sa.func.count(), sa.func.sum(s.stars)).group_by(slot.name)
    return Statement(query.where(*_holds(bots), s.renews == _ONE), *_SLOTS, _AT, *names_of(bots))


@lru_cache(100)
def _moved(bots: tuple[int, ...], count: int) -> Statement:
    return Statement(lambda _: _moved_in_rollup(bots, count), *edge_names(_MOVED, count), *names_of(bots))


def _moved_in_rollup(bots: tuple[int, ...], count: int) -> sa.Select[Any]:
    s, edges = rollup_subscriptions.c, edges_at(range(count), _MOVED)
    at = microseconds_of(s.at)
    # Few narrow columns, cut off by OFFSET from what they are made of: the database sorts rows of these, and not of all others.
    each = (
        sa.select(
            edges.c.place,
            s.bot_id,
            s.user_id,
            (s.stars - s.stars_before).label("stars"),
            (_if(s.stars > _ZERO) - _if(s.stars_before > _ZERO)).label("count"),
            # The earliest and the latest step, with what is asked of them in the last digits.
            (at * 16 + _if(s.active_before > _ZERO) * 8 + s.churn * 2 + _if(s.active > _ZERO)).label("step"),
            _if(microseconds_of(s.first_at) > edges.c.starts).label("is_new"),
        )
        .join_from(edges, rollup_subscriptions, sa.and_(at > edges.c.starts, at <= edges.c.ends))
        .where(*_is_known(bots), IS_MOVING)
        .offset(sa.literal_column("0"))
        .subquery("each")
    )
    sums = [sa.func.sum(each.c[name]).label(name) for name in ("stars", "count")]
    ends = (sa.func.min(each.c.step).label("first"), sa.func.max(each.c.step).label("last"))
    one = (
        sa.select(each.c.place, *sums, *ends, sa.func.max(each.c.is_new).label("is_new"))
        .group_by(each.c.user_id, each.c.bot_id, each.c.place)
        .subquery("one")
    )
    was, now = one.c.first // 8 % 2, one.c.last % 8
    sign = _if(one.c.stars > _ZERO) * 2 + _if(one.c.stars < _ZERO)
    code = (one.c.place * _HOWS + was * 64 + now * 8 + one.c.is_new * 4 + sign).label("code")
    stars, changed = sa.func.sum(one.c.stars), sa.func.sum(sa.func.abs(one.c.stars))
    return sa.select(code, sa.func.count(), changed, sa.func.sum(one.c.count), stars).group_by(code)


def _kind_of(how: int) -> str:
    """The kind of movement that these last digits of ``_moved_in_rollup`` stand for."""
    was, now, is_new, stars = how // 64, how // 8 % 8, how // 4 % 2, (0, -1, 1)[how % 4]
    return _named(was=bool(was), is_now=bool(now % 2), churn=now // 2, is_new=bool(is_new), stars=stars)


def _holds(bots: tuple[int, ...]) -> tuple[sa.ColumnElement[bool], ...]:
    s, at = rollup_subscriptions.c, sa.bindparam(_AT, type_=sa.BigInteger)
    return (*_is_known(bots), microseconds_of(s.until_at) > at, microseconds_of(s.at) <= at)


def _is_known(bots: tuple[int, ...]) -> tuple[sa.ColumnElement[bool], ...]:
    s, newer = rollup_subscriptions.c, newer_subscribers(numbers_of(bots))
    return Scope(bots).has(s.bot_id), s.user_id.not_in(newer)


def _if(condition: sa.ColumnElement[bool]) -> sa.Case[int]:
    return sa.case((condition, _ONE), else_=_ZERO)


def _first(each: Sequence[Step]) -> Step:
    return min(each, key=lambda step: step.at_us)


def _last(each: Sequence[Step]) -> Step:
    return max(each, key=lambda step: step.at_us)


def _kind(each: Sequence[Step], stars: int, *, is_new: bool) -> str:
    was, last = _first(each).active_before > 0, _last(each)
    return _named(was=was, is_now=last.active > 0, churn=last.churn, is_new=is_new, stars=stars)


def _named(*, was: bool, is_now: bool, churn: int, is_new: bool, stars: int) -> str:
    if not is_now:
        return CHURNS[churn] if was else _NONE
    if not was:
        return NEW if is_new else RETURNED
    if not stars:
        return _NONE
    return EXPANSION if stars > 0 else CONTRACTION
