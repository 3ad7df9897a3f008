"""Every figure of the reports is what somebody counts who has the whole history before them, on both engines."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import product as each_of
from math import ceil
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.analytics import Bucket, Period, Split, reports_of, zone_of
from neonpay.analytics.all_rollups import ROLLUPS
from neonpay.analytics.declines import count_declines
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.rollups import roll_up
from neonpay.core.clock import moment
from neonpay.ledger import Ledger, open_ledger
from neonpay.store.periodic import PeriodicStore
from tests.property.report_history import BOTS, LANGUAGES, SOURCES, History, histories, write
from tests.property.report_oracle import Oracle
from tests.property.report_times import BEGIN, DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from neonpay.analytics import Reports
    from neonpay.analytics.figures import Takings

EXAMPLES = {"sqlite": 25, "postgresql": 8}
QUARTER_US = 15 * MINUTE_US
NOW_US = BEGIN + 60 * DAY_US + 13 * 3600 * 1_000_000 + 7


class At:
    """A clock that stands still."""

    def now_us(self) -> int:
        return NOW_US


zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe"])
scopes = st.sampled_from([(BOTS, None), ((7,), None), (BOTS, ("book",)), ((8,), ("plus", "book"))])


@st.composite
def periods(draw: st.DrawFn) -> Period:
    zone, now = zone_of(draw(zones)), moment(NOW_US)
    kind = draw(st.sampled_from(["recent", "24h", "this", "odd"]))
    if kind == "24h":
        return Period.named("24h", now=now, zone=zone)
    if kind == "this":
        return Period.this(draw(st.sampled_from([Bucket.MONTH, Bucket.QUARTER, Bucket.WEEK])), now=now, zone=zone)
    if kind == "odd":
        since = now - timedelta(minutes=draw(st.integers(60, 90_000)), seconds=11)
        return Period(since=since, until=since + timedelta(minutes=draw(st.integers(1, 60_000))), zone=zone)
    return Period.recent(draw(st.integers(1, 50)), now=now, zone=zone)


turns = st.lists(st.integers(1, 4), max_size=2)
"""How many batches each turn of the rollup does before it is killed."""
Scoped = tuple[tuple[int, ...], tuple[str, ...] | None]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    opened = open_ledger(database_url)
    opened.open_sync()
    yield opened
    opened.close_sync()


@pytest.mark.timeout(300)  # a hundred statements for each of the examples
def test_every_figure_is_what_the_history_says(ledger: Ledger, database_url: str) -> None:
    @settings(
        max_examples=EXAMPLES[sa.make_url(database_url).get_backend_name()],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(), periods(), scopes, turns)
    def check(history: History, period: Period, scope: Scoped, done: Sequence[int]) -> None:
        ledger.run_sync(write, history)
        asyncio.run(compare_all(ledger, history, period, scope))
        for batches in done:
            asyncio.run(roll_up_some(ledger, batches))
            asyncio.run(compare_all(ledger, history, period, scope))

    check()


async def roll_up_some(ledger: Ledger, batches: int) -> None:
    """A turn that is killed after some batches, of which the last ran twice, since its answer was lost."""
    for bot, rollup in each_of(BOTS, ROLLUPS):
        store = PeriodicStore(ledger, bot, new_token=lambda: 1)
        async with store.turn(rollup.duty, patience_s=0, next_in_s=0) as turn:
            number, renewed = turn.position, Renewed()
            for _ in range(batches):
                before, number = number, await ledger.run(roll_up, turn, number, 3, rollup.renew, renewed) or number
                renewed.keep()
                again = await ledger.run(roll_up, turn, before, 3, rollup.renew, renewed)
                assert again in {number, 0}


async def compare_all(ledger: Ledger, history: History, period: Period, scope: Scoped) -> None:
    bots, stages = scope
    reports = reports_of(ledger, clock=At(), bots=bots)
    oracle = Oracle(history, bots, stages)
    await compare_revenue(reports, oracle, period)
    await compare_orders(reports, oracle, period)
    await compare_funnel(reports, oracle, period)
    await compare_products(reports, oracle, period)
    await compare_account(reports, oracle, period)
    await compare_subscriptions(reports, oracle, period)
    await compare_customers(reports, oracle, period)
    await compare_proceeds(reports, oracle, period)
    await compare_declines(ledger, oracle, period, bots)


async def compare_declines(ledger: Ledger, oracle: Oracle, period: Period, bots: tuple[int, ...]) -> None:
    for bot in bots:
        told = [one for one in oracle.history.checkouts if one.bot == bot and one.at >= period.span.starts_us]
        found = await ledger.read(count_declines, bot, period.span.starts_us)
        assert found == sum(one.reason is not None for one in told)


def edges(period: Period) -> tuple[int, int]:
    return period.span.starts_us, period.span.ends_us


def quarters(since: int, until: int) -> tuple[int, int]:
    """The whole quarters of an hour that it touches."""
    return since // QUARTER_US * QUARTER_US, -(-until // QUARTER_US) * QUARTER_US


def plain(takings: Takings) -> tuple[int, int, int, int]:
    return takings.orders, takings.gross_stars, takings.returned, takings.returned_stars


async def compare_revenue(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.revenue(period, by=Bucket.WEEK, split=Split.STAGE, compare=True, stages=oracle.stages)
    for point in found.points:
        paid = oracle.in_span(point.span.starts_us, point.span.ends_us)
        assert plain(point.one_off) == oracle.takings([one for one in paid if one.kind == "one_off"])
        assert plain(point.subscriptions) == oracle.takings([one for one in paid if one.kind != "one_off"])
        assert (point.refunds, point.refunded_stars) == oracle.refunded(point.span.starts_us, point.span.ends_us)
    assert plain(found.takings) == oracle.takings(oracle.in_span(*edges(period)))
    assert (found.refunds, found.refunded_stars) == oracle.refunded(*edges(period))
    assert found.before is not None
    assert plain(found.before) == oracle.takings(oracle.in_span(*edges(period.before())))
    await compare_shares(reports, oracle, period)


async def compare_shares(reports: Reports, oracle: Oracle, period: Period) -> None:
    seen = {(bot, user) for bot, user, _ in oracle.history.seen}
    keys = {
        Split.STAGE: lambda one: one.stage or "",
        Split.BOT: lambda one: str(one.bot),
        Split.LANGUAGE: lambda one: (
            one.language or ((LANGUAGES.get(one.user) or "") if (one.bot, one.user) in seen else "")
        ),
        Split.SOURCE: lambda one: (SOURCES.get(one.user) or "") if (one.bot, one.user) in seen else "",
        Split.PLAN: lambda one: one.stage or "",
    }
    for split, key in keys.items():
        found = await reports.revenue(period, by=Bucket.MONTH, split=split, stages=oracle.stages)
        paid = [one for one in oracle.in_span(*edges(period)) if split is not Split.PLAN or one.kind != "one_off"]
        expected = {each: oracle.takings([one for one in paid if key(one) == each]) for each in map(key, paid)}
        assert {share.key: plain(share.takings) for share in found.shares} == expected
        assert all(plain(share.takings) == plain(sum_of(share.points)) for share in found.shares)


def sum_of(points: tuple[Takings, ...]) -> Takings:
    total = points[0]
    for one in points[1:]:
        total += one
    return total


async def compare_orders(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.orders(period, stages=oracle.stages)
    orders, gross, _, back = takings = oracle.takings(oracle.in_span(*edges(period)))
    customers = oracle.customers(*edges(period))
    assert plain(found.takings) == takings
    assert found.average_stars == (gross / orders if orders else None)
    assert found.median_stars == oracle.median(*edges(period))
    assert (found.customers, found.new_customers) == (customers, oracle.new_customers(*edges(period)))
    assert found.arppu_stars == ((gross - back) / customers if customers else None)


async def compare_funnel(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.funnel(period, stages=oracle.stages)
    span = quarters(*edges(period))
    checkouts, declines = oracle.checkouts(*span)
    bought = [one for one in oracle.in_span(*span) if one.kind != "renewal"]
    ripe_until = quarters(0, min(span[1], NOW_US - DAY_US))[1]
    assert found.viewed is None
    assert found.invoiced == len(oracle.invoices(*span))
    assert (found.checkouts, found.declined) == (checkouts, declines.total())
    assert {one.reason: one.count for one in found.declines} == dict(declines)
    assert (found.paid, found.delivered) == (len(bought), sum(one.delivered is not None for one in bought))
    assert found.ripe == len(oracle.invoices(span[0], ripe_until))
    assert found.abandoned == oracle.unpaid(span[0], ripe_until)


async def compare_products(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.products(period, stages=oracle.stages)
    paid = oracle.in_span(*edges(period))
    for product in found:
        its = [one for one in paid if (one.stage or "") == product.stage_id]
        assert plain(product.takings) == oracle.takings(its)
        touched = [one for one in oracle.in_span(*quarters(*edges(period))) if (one.stage or "") == product.stage_id]
        assert product.delivered == sum(one.delivered is not None for one in touched)
    assert {one.stage or "" for one in paid} <= {product.stage_id for product in found}
    times = await reports.delivery_times(period, stages=oracle.stages)
    waits = oracle.waits(*quarters(*edges(period)))
    assert times.delivered == len(waits)
    for percent, seconds in ((50, times.p50_s), (95, times.p95_s), (99, times.p99_s)):
        assert seconds == (waits[max(0, ceil(len(waits) * percent / 100) - 1)] / 1000 if waits else None)


async def compare_account(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.account(period, by=Bucket.MONTH, stages=oracle.stages)
    for day in found.days:
        span = (day.span.starts_us, day.span.ends_us)
        assert day.paid_stars == oracle.takings(oracle.in_span(*span))[1]
        assert day.refunded_stars == oracle.refunded(*span)[1]
        assert day.other_nanostars == sum(total for _, total in oracle.moved(*quarters(*span)).values())
        assert (day.unlisted, day.unlisted_stars) == oracle.unlisted(*span)
    assert {one.account: (one.count, one.nanostars) for one in found.others} == oracle.moved(*quarters(*edges(period)))
    assert found.balance.nanostars == oracle.balance()
    assert found.gap_stars is None
    assert (found.waiting, found.waiting_stars) == oracle.unlisted(0, 2**60)


async def compare_subscriptions(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.subscriptions(period, by=Bucket.WEEK, stages=oracle.stages)
    at_end = [one for stages in oracle.active(period.span.ends_us).values() for one in stages.values()]
    assert (found.active, found.mrr_stars) == (len(at_end), sum(one.stars for one in at_end))
    assert found.renewing == sum(oracle.told(one) not in {"canceled", "failed"} for one in at_end)
    mrr = found.mrr_before_stars
    for one in found.movements:
        parts = Counter(
            {
                "new": one.new_stars,
                "returned": one.returned_stars,
                "expansion": one.expansion_stars,
                "contraction": one.contraction_stars,
                "voluntary_churn": one.voluntary_churn_stars,
                "involuntary_churn": one.involuntary_churn_stars,
                "untold_churn": one.untold_churn_stars,
            }
        )
        assert +parts == oracle.movement(one.span.starts_us, one.span.ends_us)
        came = one.new_stars + one.returned_stars + one.expansion_stars
        mrr += came - one.contraction_stars - one.churn_stars
        assert one.mrr_stars == mrr
    assert found.mrr_stars == mrr
    forecast = [one for stages in oracle.active(NOW_US).values() for one in stages.values()]
    renewing = [one for one in forecast if oracle.told(one) not in {"canceled", "failed"}]
    today = moment(NOW_US).astimezone(period.zone).date()
    expected: Counter[object] = Counter()
    for payment in renewing:
        day = moment(oracle.until(payment)).astimezone(period.zone).date()
        if (day - today).days < 30:
            expected[day] += payment.stars
    assert Counter({each.day: each.stars for each in found.forecast if each.count}) == expected


async def compare_customers(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.customers(period, months=3, stages=oracle.stages)
    until = period.span.ends_us
    seen = {user: at for user, at in oracle.seen().items() if at < until}
    assert found.paying == oracle.customers(*edges(period))
    assert found.ever == oracle.customers(0, until)
    assert found.seen == len(seen)
    new = {user for user, at in seen.items() if at >= period.span.starts_us}
    payers = {one.user for one in oracle.paid if one.at < until}
    assert found.conversion == (len(new & payers) / len(new) if new else None)
    assert len(found.cohorts) == 3
    for cohort in found.cohorts:
        size, ages = oracle.cohort(cohort.span.starts_us, cohort.span.ends_us, until)
        assert cohort.size == size
        assert {
            age: pair for age, pair in enumerate(zip(cohort.buyers, cohort.net_stars, strict=True)) if pair[0]
        } == ages


async def compare_proceeds(reports: Reports, oracle: Oracle, period: Period) -> None:
    found = await reports.proceeds(period, stages=oracle.stages)
    _, gross, _, back = oracle.takings(oracle.in_span(*edges(period)))
    assert (found.net_stars, found.usd) == (gross - back, round((gross - back) * 13 / 1000, 2))
