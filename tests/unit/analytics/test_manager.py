"""``AnalyticsManager`` by itself: what it is told is what it says, in periods, each person once."""

from __future__ import annotations

import csv
import gc
import io
import json
import warnings
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neonpay.analytics import zone_of
from neonpay.analytics.managers import AnalyticsDashboard, AnalyticsManager, AnalyticsPeriod, MultiBotAnalyticsManager
from neonpay.core.clock import microseconds
from neonpay.errors import ConfigurationError, LedgerClosedError, ValidationError

NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)


class At:
    """A clock that stands still."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def now_us(self) -> int:
        return microseconds(self.now)


def manager(**options: Any) -> AnalyticsManager:
    return AnalyticsManager(enable_analytics=True, clock=At(), **options)


def test_a_breakdown_is_cut_by_the_period_that_was_asked_for() -> None:
    analytics = manager(zone=zone_of("Asia/Kathmandu"))
    for days, stars in ((0, 1), (1, 2), (8, 4), (40, 8), (300, 16), (400, 32)):
        analytics.track_event("payment_completed", 1, amount=stars, stage_id="vip", at=NOW - timedelta(days=days))

    def lines(period: AnalyticsPeriod, days: int = 365) -> dict[str, int]:
        revenue = analytics.get_revenue_analytics(period, days)
        assert revenue is not None
        assert revenue.total_revenue == sum(revenue.breakdown.values()) == sum(revenue.daily_breakdown.values())
        return {name: stars for name, stars in revenue.breakdown.items() if stars}

    assert lines(AnalyticsPeriod.HOUR, 2) == {"2026-11-28 20:00": 1, "2026-11-27 20:00": 2}
    assert lines(AnalyticsPeriod.DAY, 30) == {"2026-11-28": 1, "2026-11-27": 2, "2026-11-20": 4}
    assert lines(AnalyticsPeriod.WEEK, 30) == {"2026-11-23": 3, "2026-11-16": 4}
    assert lines(AnalyticsPeriod.MONTH) == {"2026-11": 7, "2026-10": 8, "2026-02": 16}
    assert lines(AnalyticsPeriod.QUARTER) == {"2026-Q4": 15, "2026-Q1": 16}
    assert lines(AnalyticsPeriod.YEAR, 500) == {"2026": 31, "2025": 32}


def test_an_hour_that_sold_is_named_however_long_the_time() -> None:
    analytics = manager()
    analytics.track_event("payment_completed", 1, amount=5, at=NOW - timedelta(days=700, hours=3))
    revenue = analytics.get_revenue_analytics(AnalyticsPeriod.HOUR, days=800)
    assert revenue is not None
    assert revenue.hourly_breakdown == {"2024-12-28 11:00": 5}
    assert len(revenue.breakdown) == 799 * 24 + 15


def test_three_purchases_of_one_person_are_one_of_a_hundred_percent() -> None:
    analytics = manager()
    for _ in range(3):
        analytics.track_event("payment_completed", user_id=1, amount=10, stage_id="vip")
    analytics.track_event("product_view", user_id=2, stage_id="vip")
    found = analytics.get_conversion_analytics()
    assert found is not None
    assert (found.total_visitors, found.total_purchases, found.conversion_rate) == (2, 3, 50.0)
    [product] = analytics.get_product_analytics() or []
    assert (product.total_sales, product.views, product.conversion_rate, product.average_price) == (3, 1, 50.0, 10.0)


def test_what_is_shed_is_counted_and_what_is_newest_stays() -> None:
    analytics = manager(max_events=1_000)
    for number in range(3_000):
        analytics.track_event("payment_completed", number, amount=1, at=NOW - timedelta(minutes=3_000 - number))
    stats = analytics.get_stats()
    assert stats["shed_events"] + stats["total_events"] == 3_000
    assert 900 <= stats["total_events"] <= 1_000
    report = analytics.get_dashboard_report()
    assert report is not None
    assert report["shed_events"] == stats["shed_events"]
    revenue = analytics.get_revenue_analytics()
    assert revenue is not None
    assert revenue.daily_breakdown["2026-11-28"] == 870


def test_of_events_of_one_moment_no_more_are_shed_than_are_too_many() -> None:
    analytics = manager(max_events=1_000)
    for number in range(1_001):
        analytics.track_event("payment_completed", number, amount=1, at=NOW)
    stats = analytics.get_stats()
    assert stats["shed_events"] + stats["total_events"] == 1_001
    assert stats["total_events"] >= 900


def test_an_event_is_old_when_the_days_are_over_to_the_hour() -> None:
    analytics = manager()
    analytics.track_event("user_message", 1, at=NOW - timedelta(days=89, hours=23))
    analytics.track_event("user_message", 1, at=NOW - timedelta(days=90, hours=1))
    assert analytics.cleanup_old_data(90) == 1


def test_closing_twice_is_closing() -> None:
    analytics = manager()
    analytics.close()
    analytics.close()


def test_old_events_are_forgotten_when_that_is_asked_for() -> None:
    analytics = manager()
    for days in (0, 1, 89, 91, 200):
        analytics.track_event("user_message", 1, at=NOW - timedelta(days=days))
    assert analytics.cleanup_old_data(days=90) == 2
    assert analytics.get_stats()["total_events"] == 3


def test_an_event_that_is_told_twice_counts_once() -> None:
    analytics = manager()
    for _ in range(2):
        analytics.track_event("payment_completed", 1, amount=10, event_id="update-17")
    assert analytics.get_stats()["total_events"] == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"amount": "boom"}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"user_id": "1"}, "user_id"),
        ({"metadata": ["x"]}, "metadata"),
        ({"metadata": {"x": object()}}, "metadata"),
        ({"metadata": {"x": "y" * 5_000}}, "metadata"),
        ({"metadata": {"source": "x" * 200}}, 'metadata["source"]'),
        ({"stage_id": "x" * 200}, "stage_id"),
        ({"event_type": ""}, "event_type"),
        ({"event_id": "x" * 65}, "event_id"),
        ({"at": datetime(2026, 1, 1)}, "at"),  # noqa: DTZ001  # the mistake
    ],
)
def test_what_is_no_event_is_refused_by_the_name_of_its_argument_and_spoils_nothing(
    arguments: dict[str, Any], field: str
) -> None:
    analytics = manager()
    with pytest.raises(ValidationError) as caught:
        analytics.track_event(**{"event_type": "payment_completed", "user_id": 1, **arguments})
    assert caught.value.field == field  # as the caller wrote it
    assert str(caught.value).startswith(f"{field} must be ")
    assert analytics.get_stats()["total_events"] == 0
    assert analytics.get_dashboard_report() is not None


def test_csv_has_each_figure_and_no_formula() -> None:
    analytics = manager()
    analytics.track_event("payment_completed", 1, amount=100, stage_id='=cmd|x",1')
    rows = list(csv.DictReader(io.StringIO(analytics.export_analytics("csv") or "")))
    assert {"section": "revenue", "item": "", "figure": "total", "value": "100"} in rows
    assert [row["item"] for row in rows if row["figure"] == "total_revenue"] == ["'=cmd|x\",1"]
    with pytest.raises(ValidationError, match="json or csv"):
        analytics.export_analytics("xml")


def test_a_manager_that_is_off_keeps_nothing_and_says_nothing() -> None:
    analytics = AnalyticsManager(enable_analytics=False)
    analytics.track_event("payment_completed", 1, amount=100)
    assert analytics.get_dashboard_report() is None
    assert analytics.export_analytics() is None
    assert analytics.get_stats()["enabled"] is False
    assert AnalyticsDashboard(analytics).generate_report() == {}


def test_a_manager_has_one_place_to_keep_things() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        AnalyticsManager(neonpay=object(), database_url="sqlite:///shop.db")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="max_events"):
        AnalyticsManager(max_events=0)


def test_a_manager_that_nobody_closes_goes_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analytics = manager()
        analytics.track_event("user_message", 1)
        analytics.get_stats()
        del analytics
        gc.collect()


KINDS = ("product_view", "product_click", "add_to_cart", "payment_started", "payment_completed", "user_message")
told = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(1, 5),
        st.integers(0, 60 * 24 * 70),
        st.integers(0, 900),
        st.sampled_from(["book", "plus", None]),
    ),
    max_size=40,
)


@settings(max_examples=15, deadline=None)
@given(told, st.integers(1, 60))
def test_every_figure_is_what_was_told(events: list[tuple[str, int, int, int, str | None]], days: int) -> None:
    analytics = manager()
    since = NOW.replace(hour=0, minute=0) - timedelta(days=days - 1)
    before = since - timedelta(days=days)
    far: dict[int, int] = defaultdict(int)
    users: set[int] = set()
    earlier: set[int] = set()
    last: set[int] = set()
    stars = purchases = 0
    ranks = {"product_view": 1, "product_click": 1, "add_to_cart": 2, "payment_started": 3, "payment_completed": 4}
    spent: dict[int, int] = defaultdict(int)
    for kind, user, minutes, amount, stage in events:
        at = NOW - timedelta(minutes=minutes)
        analytics.track_event(kind, user, amount=amount, stage_id=stage, at=at)
        if at < since:
            earlier.add(user)
            if before <= at < NOW - timedelta(days=days):
                last.add(user)
            continue
        users.add(user)
        far[user] = max(far[user], ranks.get(kind, 0))
        if kind == "payment_completed":
            stars, purchases = stars + amount, purchases + 1
            spent[user] += amount

    report: Any = json.loads(json.dumps(analytics.get_dashboard_report(AnalyticsPeriod.DAY, days)))
    assert (report["revenue"]["total"], report["revenue"]["transactions"]) == (stars, purchases)
    assert sum(report["revenue"]["daily_breakdown"].values()) == stars
    assert sum(report["revenue"]["hourly_breakdown"].values()) == stars
    assert len(report["revenue"]["daily_breakdown"]) == days
    assert sum(product["total_revenue"] for product in report["products"]) == stars
    conversion = report["conversion"]
    bought = sum(rank == 4 for rank in far.values())
    assert conversion["visitors"] == len(users)
    assert conversion["rate"] == (pytest.approx(100 * bought / len(users)) if users else 0)
    assert list(conversion["funnel_steps"].values()) == [sum(f >= r for f in far.values()) for r in (1, 2, 3, 4)]
    assert all(0 <= lost <= 100 for lost in conversion["drop_off_points"].values())
    insights = report["users"]
    assert insights["new_users"] == len(users - earlier)
    assert insights["returning_users"] == len(users & earlier)
    assert insights["high_value_users"] == sum(each >= 1_000 for each in spent.values())
    assert insights["user_retention_rate"] == (pytest.approx(100 * len(last & users) / len(last)) if last else 0)


def test_a_manager_that_was_closed_says_so_and_lets_go_what_it_is_told() -> None:
    analytics = manager()
    analytics.track_event("user_message", 1)
    analytics.close()
    for _ in range(600):  # more than it writes at once
        analytics.track_event("user_message", 1)
    for ask in (analytics.get_stats, analytics.get_dashboard_report, analytics.cleanup_old_data):
        with pytest.raises(LedgerClosedError, match="make another one"):
            ask()
    analytics.close()


def test_a_zone_that_is_a_name_is_refused_when_the_manager_is_made() -> None:
    with pytest.raises(ValidationError, match="zone_of"):
        manager(zone="Europe/Berlin")


@pytest.mark.parametrize("kind", [AnalyticsManager, MultiBotAnalyticsManager])
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"high_value_stars": "x"}, "high_value_stars"),
        ({"high_value_stars": 0}, "high_value_stars"),
        ({"neonpay": object()}, "neonpay"),
        ({"database_url": 5}, "database_url"),
    ],
)
def test_what_a_manager_cannot_be_made_with_is_refused_when_it_is_made(
    kind: type[Any], arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises((ValidationError, ConfigurationError), match=field):
        kind(**arguments)


@pytest.mark.parametrize("bot_id", ["abc", "123", 0, -5, True, 1.5])
def test_a_bot_is_named_by_its_number(bot_id: Any) -> None:
    with pytest.raises(ValidationError, match="bot_id must be Telegram's whole-number id"):
        AnalyticsManager(bot_id=bot_id)
