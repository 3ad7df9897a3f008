"""``MultiBotAnalyticsManager`` by itself: each bot, all of them together, and people once whichever bots they use."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neonpay.analytics.managers import AnalyticsPeriod, EventType, MultiBotAnalyticsManager, MultiBotEvent
from neonpay.analytics.managers.events import bot_number
from neonpay.collection.bot_numbers import bot_number as number_at_a_centre
from neonpay.core.clock import microseconds
from neonpay.errors import ValidationError

NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)


class At:
    """A clock that stands still."""

    def now_us(self) -> int:
        return microseconds(NOW)


@pytest.fixture
def network() -> MultiBotAnalyticsManager:
    manager = MultiBotAnalyticsManager(enable_analytics=True, clock=At())
    manager.register_bot("store_bot", "Main Store Bot")
    manager.register_bot("support_bot", "Support Bot")
    return manager


def test_a_person_who_uses_two_bots_is_one_person_of_the_network(network: MultiBotAnalyticsManager) -> None:
    for bot in ("store_bot", "support_bot"):
        network.track_event(EventType.USER_STARTED, bot, user_id=1)
        network.track_event("product_view", bot, user_id=2, product_id="vip")
    network.track_event("payment_completed", "store_bot", user_id=1, amount=100, product_id="vip")
    network.track_event("payment_completed", "store_bot", user_id=1, amount=50, product_id="plus")
    found = network.get_network_analytics(days=30)
    assert found is not None
    assert (found.total_bots, found.total_events, found.total_users) == (2, 6, 2)
    assert (found.total_revenue, found.total_transactions, found.network_conversion_rate) == (150, 2, 50.0)
    assert [(bot["bot_name"], bot["revenue"], bot["users"]) for bot in found.top_performing_bots] == [
        ("Main Store Bot", 150, 2),
        ("Support Bot", 0, 2),
    ]
    assert [product["product_id"] for product in found.top_products] == ["vip", "plus"]
    assert found.user_journey == {"product_view": 2, "add_to_cart": 1, "payment_started": 1, "payment_completed": 1}
    assert found.revenue_trends["2026-11-28"] == 150


def test_a_bot_has_its_events_products_and_people(network: MultiBotAnalyticsManager) -> None:
    network.track_event("payment_completed", "store_bot", 1, 100, "vip", at=NOW - timedelta(days=3))
    network.track_event("user_message", "store_bot", 1, at=NOW - timedelta(hours=1))
    network.track_event("payment_completed", "store_bot", 2, 40, "plus", at=NOW - timedelta(days=10))
    bot = network.get_bot_analytics("store_bot", days=7)
    assert bot is not None
    assert (bot.bot_id, bot.bot_name, bot.source) == ("store_bot", "Main Store Bot", "events")
    assert (bot.total_events, bot.total_users, bot.total_revenue, bot.conversion_rate) == (2, 1, 100, 100.0)
    assert bot.events_by_type == {"payment_completed": 1, "user_message": 1}
    assert bot.revenue_by_product == {"vip": 100}
    assert bot.last_activity == (NOW - timedelta(hours=1)).timestamp()
    assert bot.user_activity == {1: {"events": 2, "stars": 100, "last_activity": bot.last_activity}}


def test_a_question_about_no_bot_makes_none(network: MultiBotAnalyticsManager) -> None:
    assert network.get_bot_analytics("ghost") is None
    assert network.get_stats()["registered_bots"] == 2
    assert network.get_bot_analytics("Support Bot") is not None


def test_totals_of_bots_are_the_total_of_the_network_and_json_takes_them(network: MultiBotAnalyticsManager) -> None:
    for number in range(60):
        bot = ("store_bot", "support_bot", "third")[number % 3]
        network.track_event("payment_completed", bot, number % 7, number, "vip", at=NOW - timedelta(hours=number))
    report: Any = json.loads(network.export_network_analytics(format_type="json", days=30) or "")
    bots = report["bots"].values()
    assert sum(bot["total_revenue"] for bot in bots) == report["network"]["total_revenue"] == sum(range(60))
    assert sum(bot["total_events"] for bot in bots) == report["network"]["total_events"] == 60
    assert {bot["bot_name"] for bot in bots} == {"Main Store Bot", "Support Bot", "third"}
    assert report["network"]["total_users"] == 7
    assert report["bots"]["store_bot"]["user_activity_summary"] == {
        "total_users": 7,
        "high_value_users": 0,
        "active_users": 7,
    }
    weekly = network.get_network_analytics(AnalyticsPeriod.WEEK)
    assert weekly is not None
    assert sum(weekly.revenue_trends.values()) == sum(range(60))
    rows = list(csv.DictReader(io.StringIO(network.export_network_analytics(format_type="csv") or "")))
    assert {"section": "bots", "item": "third", "figure": "total_events", "value": "20"} in rows


def test_events_that_are_collected_twice_count_once_and_a_bad_one_keeps_the_batch_out(
    network: MultiBotAnalyticsManager,
) -> None:
    sold = MultiBotEvent("payment_completed", "far", "Far Bot", 1, 100, timestamp=NOW.timestamp(), event_id="a")
    seen = MultiBotEvent("product_view", "far", "Far Bot", 2, timestamp=NOW.timestamp(), event_id="b")
    assert network.take([sold, seen]) == 2
    assert network.take([sold, seen]) == 0
    bad = MultiBotEvent("payment_completed", "far", "Far Bot", 1, amount="boom")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        network.take([MultiBotEvent("product_view", "far", "Far Bot", 3), bad])
    bot = network.get_bot_analytics("far")
    assert bot is not None
    assert (bot.bot_name, bot.total_revenue, bot.total_events) == ("Far Bot", 100, 2)


def test_stars_that_are_told_to_have_gone_back_lower_revenue(network: MultiBotAnalyticsManager) -> None:
    network.track_event("payment_completed", "store_bot", 1, 100, "vip")
    network.track_event("payment_refunded", "store_bot", 1, -40, "vip")
    network.track_event("payment_refunded", "store_bot", 2, None, "vip")  # of what never was revenue
    bot = network.get_bot_analytics("store_bot")
    assert bot is not None
    assert (bot.total_revenue, bot.total_transactions, bot.revenue_by_product) == (60, 1, {"vip": 60})


@pytest.mark.parametrize("word", ["store_bot", "@Store_Bot", "123456", 7_000_001, "бот"])
def test_a_bot_has_the_number_that_a_centre_gives_it(word: str | int) -> None:
    assert bot_number(word) == number_at_a_centre(word)


def test_a_name_that_was_registered_stands_over_what_events_say(network: MultiBotAnalyticsManager) -> None:
    def names() -> set[object]:
        found = network.get_network_analytics()
        assert found is not None
        return {bot["bot_name"] for bot in found.top_performing_bots}

    at = NOW.timestamp()
    network.take([MultiBotEvent("bot_started", "store_bot", "Forged", None, timestamp=at)])
    network.take([MultiBotEvent("bot_started", "new", "First", None, timestamp=at)])
    network.take([MultiBotEvent("bot_started", "new", "Second", None, timestamp=at)])
    assert names() == {"Main Store Bot", "Support Bot", "Second"}
    network.register_bot("new", "Third")
    network.register_bot("store_bot", "Renamed")
    assert names() == {"Renamed", "Support Bot", "Third"}


@pytest.mark.parametrize("bot_id", ["", "x" * 65, None, 0, 2**60])
def test_what_is_no_bot_is_refused(network: MultiBotAnalyticsManager, bot_id: Any) -> None:
    with pytest.raises(ValidationError, match="bot_id"):
        network.track_event("user_message", bot_id, 1)
    with pytest.raises(ValidationError, match="bot"):
        network.register_bot(bot_id, "Name")
    assert network.get_stats()["registered_bots"] == 2


told = st.lists(
    st.tuples(
        st.sampled_from(["store_bot", "support_bot", "third"]),
        st.sampled_from(["product_view", "user_started", "payment_started", "payment_completed", "payment_refunded"]),
        st.integers(1, 4),
        st.integers(0, 60 * 24 * 40),
        st.integers(1, 900),
        st.sampled_from(["book", "plus", None]),
    ),
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@given(told, st.integers(1, 35))
def test_every_figure_of_the_network_is_what_was_told(events: list[tuple[Any, ...]], days: int) -> None:
    manager = MultiBotAnalyticsManager(clock=At())
    since = NOW.replace(hour=0, minute=0) - timedelta(days=days - 1)
    users: dict[str, set[int]] = defaultdict(set)
    buyers: dict[str, set[int]] = defaultdict(set)
    stars: dict[str, int] = defaultdict(int)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for bot, kind, user, minutes, amount, product in events:
        at = NOW - timedelta(minutes=minutes)
        signed = -amount if kind == "payment_refunded" else amount
        manager.track_event(kind, bot, user, amount=signed, product_id=product, at=at)
        if at < since:
            continue
        users[bot].add(user)
        kinds[bot][kind] += 1
        if kind == "payment_completed":
            buyers[bot].add(user)
        if kind in {"payment_completed", "payment_refunded"}:
            stars[bot] += signed
    report: Any = json.loads(json.dumps(manager.get_network_report(days=days)))
    network = report["network"]
    everybody = set().union(*users.values()) if users else set()
    bought = set().union(*buyers.values()) if buyers else set()
    assert network["total_revenue"] == sum(stars.values()) == sum(network["revenue_trends"].values())
    assert (network["total_users"], network["total_events"]) == (
        len(everybody),
        sum(count for each in kinds.values() for count in each.values()),
    )
    assert network["network_conversion_rate"] == (pytest.approx(100 * len(bought) / len(everybody)) if everybody else 0)
    assert set(report["bots"]) == {bot for bot, *_ in events}
    for bot, found in report["bots"].items():
        assert (found["total_revenue"], found["total_users"]) == (stars[bot], len(users[bot]))
        assert found["events_by_type"] == dict(kinds[bot])
        assert sum(found["revenue_by_product"].values()) == stars[bot]
        assert 0 <= found["conversion_rate"] <= 100


def test_a_bot_is_found_by_a_name_that_is_longer_than_a_word(network: MultiBotAnalyticsManager) -> None:
    name = "A shop with a name that goes on and on, as long as names of bots may be, to the end"
    network.register_bot("long", name)
    found = network.get_bot_analytics(name)
    assert found is not None
    assert found.bot_id == "long"


@pytest.mark.parametrize("word", ["n\0", "a\x1b[2J", "two\nlines"])
def test_a_word_that_cannot_be_printed_names_no_bot(network: MultiBotAnalyticsManager, word: str) -> None:
    with pytest.raises(ValidationError, match="bot_id"):
        network.register_bot(word, "Name")
    with pytest.raises(ValidationError, match="bot_id"):
        network.track_event("user_message", word, 1)
    assert network.get_stats()["registered_bots"] == 2


def test_a_zone_that_is_a_name_is_refused_by_a_network_too() -> None:
    zone: Any = "Europe/Berlin"
    with pytest.raises(ValidationError, match="zone_of"):
        MultiBotAnalyticsManager(zone=zone)


def test_of_two_ways_to_write_a_bot_the_newest_name_counts() -> None:
    now = [0]

    class Ticks:
        def now_us(self) -> int:
            now[0] += 1
            return microseconds(NOW) + now[0]

    network = MultiBotAnalyticsManager(clock=Ticks())
    for word, name in (("store_bot", "First"), ("@Store_Bot", "Second"), ("store_bot", "First"), ("store_bot", "Last")):
        network.register_bot(word, name)
        found = network.get_bot_analytics("store_bot")
        assert found is not None
        assert (found.bot_name, list(network.registered_names().values())) == (name, [name])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "5"}, "amount"),
        ({"product_id": 5}, "product_id"),
        ({"metadata": 5}, "metadata"),
        ({"session_id": object()}, "session_id"),
        ({"bot_name": 5}, "bot_name"),
        ({"timestamp": "now"}, "timestamp"),
    ],
)
def test_of_several_events_the_wrong_one_is_named_and_none_is_taken(wrong: dict[str, Any], field: str) -> None:
    network = MultiBotAnalyticsManager(clock=At())
    well: dict[str, Any] = {"event_type": "product_view", "bot_id": "store", "bot_name": "Store", "user_id": 1}
    with pytest.raises(ValidationError) as caught:
        network.take([MultiBotEvent(**well), MultiBotEvent(**{**well, **wrong})])
    assert caught.value.field == f"events[1].{field}"
    assert network.get_stats()["bot_registry"] == {}
