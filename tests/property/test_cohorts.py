"""Cohorts are what somebody counts who has the whole history before them, whatever of it is rolled up, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.analytics.cohort_rollup import COHORTS, renew_cohorts
from neonpay.analytics.cohorts import cohorts
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.rollups import roll_up
from neonpay.analytics.scope import Scope
from neonpay.core.clock import moment
from neonpay.store.periodic import PeriodicStore
from tests.property.report_history import BOTS, History, histories, write
from tests.property.report_oracle import Oracle
from tests.property.test_reports import NOW_US, ledger, periods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from neonpay.analytics import Period
    from neonpay.ledger import Ledger

__all__ = ["ledger"]

EXAMPLES = {"sqlite": 60, "postgresql": 15}
MONTHS = 3
scopes = st.sampled_from([Scope(BOTS), Scope(BOTS), Scope((7,)), Scope(BOTS, ("book",))])
batches = st.lists(st.sampled_from([2, 5, 60, 60]), min_size=1, max_size=3)


def test_a_cohort_is_what_the_history_says(ledger: Ledger, database_url: str) -> None:
    @settings(
        max_examples=EXAMPLES[sa.make_url(database_url).get_backend_name()],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(), periods(), scopes, batches, st.sampled_from([0.6, 1.0, 1.0]))
    def check(history: History, period: Period, scope: Scope, sizes: Sequence[int], numbered: float) -> None:
        history = replace(history, numbered=numbered)
        ledger.run_sync(write, history)
        compare(ledger, history, period, scope)
        renewed = {bot: Renewed() for bot in BOTS}
        for most in sizes:
            asyncio.run(roll_up_twice(ledger, most, renewed))
            compare(ledger, history, period, scope)

    check()


async def roll_up_twice(ledger: Ledger, most: int, renewed: Mapping[int, Renewed]) -> None:
    """A batch of each bot, which runs again, since its answer was lost."""
    for bot in BOTS:
        async with PeriodicStore(ledger, bot, new_token=lambda: 1).turn(COHORTS, patience_s=0, next_in_s=0) as turn:
            reached = await ledger.run(roll_up, turn, turn.position, most, renew_cohorts, renewed[bot])
            renewed[bot].keep()
            again = await ledger.run(roll_up, turn, turn.position, most, renew_cohorts, renewed[bot])
            assert again in {reached, 0}


def compare(ledger: Ledger, history: History, period: Period, scope: Scope) -> None:
    oracle, until = Oracle(history, scope.bot_ids, scope.stage_ids), period.span.ends_us
    found = ledger.run_sync(cohorts, scope, period, MONTHS, moment(NOW_US))
    assert len(found) == MONTHS
    for cohort in found:
        size, ages = oracle.cohort(cohort.span.starts_us, cohort.span.ends_us, until)
        told = dict(enumerate(zip(cohort.buyers, cohort.net_stars, strict=True)))
        assert (cohort.size, {age: pair for age, pair in told.items() if pair != (0, 0)}) == (size, ages)
