"""Revenue by source is what the tables say, whatever of it is rolled up, whenever it is heard where somebody came from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.analytics import Bucket, Period, Split
from neonpay.analytics.revenue import revenue
from neonpay.analytics.scope import Scope
from neonpay.analytics.source_rollup import renew_sources
from neonpay.ledger.tables_rollups import rollup_counts, rollup_days
from neonpay.store.first_touches import SOURCES as DUTY
from neonpay.store.first_touches import Touch, forget_touch, write_touches
from tests.property.report_history import SOURCES, History, Payment, histories, write
from tests.property.report_oracle import Oracle
from tests.property.report_times import BEGIN
from tests.property.test_languages import EXAMPLES, Person, all_of_it, persons, roll_up_twice, scopes
from tests.property.test_reports import edges, ledger, periods, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.ledger import Ledger, Transaction

__all__ = ["ledger"]

arrivals = st.lists(
    st.builds(
        lambda who, at, source: Touch(who[0], who[1], BEGIN + at, source),
        persons,
        st.integers(0, 3),
        st.sampled_from(["", "ads", "blog"]),
    ),
    min_size=1,
    max_size=4,
)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("roll_up"), st.sampled_from([2, 5, 60])),
        st.tuples(st.just("arrive"), arrivals),
        st.tuples(st.just("forget"), st.tuples(persons, st.sampled_from([None, BEGIN + 1]))),
    ),
    min_size=1,
    max_size=8,
)
Known = dict[Person, tuple[int, str]]
"""When each person has come first, and from where."""


def test_a_source_has_what_was_paid_by_those_who_came_from_it(ledger: Ledger, database_url: str) -> None:
    @settings(
        max_examples=EXAMPLES[sa.make_url(database_url).get_backend_name()],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(), st.one_of(periods(), all_of_it, all_of_it), scopes, st.sampled_from([2, 5, 60, 60]), acts)
    def check(history: History, period: Period, scope: Scope, first: int, then: Sequence[tuple[str, object]]) -> None:
        ledger.run_sync(write, history)
        known = {(bot, user): (at, SOURCES.get(user) or "") for bot, user, at in history.seen}
        compare(ledger, history, known, period, scope)
        for what, how in [("roll_up", first), *then]:
            match what, how:
                case "roll_up", int(most):
                    asyncio.run(roll_up_twice(ledger, most, DUTY, renew_sources))
                case "arrive", list(touches):
                    ledger.run_sync(write_touches, touches)
                    for touch in sorted(touches):
                        known.setdefault((touch.bot_id, touch.user_id), (touch.at_us, touch.source))
                case "forget", ((int(bot), int(user)), int() | None as until_us):
                    removed = ledger.run_sync(forget_touch, bot, user, until_us)
                    assert removed == forget(known, (bot, user), until_us)
            compare(ledger, history, known, period, scope)
            assert ledger.run_sync(fewest) >= 0

    check()


def forget(known: Known, who: Person, until_us: int | None) -> int:
    if who not in known or (until_us is not None and known[who][0] > until_us):
        return 0
    known.pop(who)
    return 1


def fewest(transaction: Transaction) -> int:
    """The smallest count of the rollups: nothing was taken away that had not been counted."""
    found = [
        transaction.connection.execute(sa.select(sa.func.min(of.c.n))).scalar() for of in (rollup_counts, rollup_days)
    ]
    return min([0 if n is None else int(n) for n in found])


def compare(ledger: Ledger, history: History, known: Known, period: Period, scope: Scope) -> None:
    oracle = Oracle(history, scope.bot_ids, scope.stage_ids)
    expected: dict[str, list[Payment]] = {}
    for one in oracle.in_span(*edges(period)):
        _, source = known.get((one.bot, one.user), (0, ""))
        expected.setdefault(source, []).append(one)
    found = ledger.run_sync(
        lambda transaction: revenue(transaction, scope, period, Bucket.DAY, Split.SOURCE, compare=False)
    )
    assert {share.key: plain(share.takings) for share in found.shares} == {
        source: oracle.takings(its) for source, its in expected.items()
    }
