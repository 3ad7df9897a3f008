"""A/B tests: who is shown what never changes, and the result says how uncertain it is."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from neonpay.analytics import variant_of
from neonpay.analytics.experiments import result_of, score_interval
from neonpay.analytics.managers import AnalyticsManager
from neonpay.core.clock import microseconds
from neonpay.errors import ValidationError

BOTH = ("old", "new")
NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)


class At:
    """A clock that stands still."""

    def now_us(self) -> int:
        return microseconds(NOW)


def test_a_person_is_shown_the_same_on_every_machine() -> None:
    # Written down, so that another release deals nobody anew.
    assert [variant_of("price-of-vip", user, BOTH) for user in range(8)] == [
        "old",
        "old",
        "old",
        "new",
        "old",
        "new",
        "old",
        "old",
    ]
    assert {variant_of("price-of-vip", 12345, BOTH) for _ in range(3)} == {variant_of("price-of-vip", 12345, BOTH)}


def test_experiments_deal_people_evenly_and_independently() -> None:
    people = range(1_000_000_000, 1_000_020_000)
    news = {name: {user for user in people if variant_of(name, user, BOTH) == "new"} for name in ("one", "two")}
    assert all(9_700 < len(each) < 10_300 for each in news.values())
    assert 4_800 < len(news["one"] & news["two"]) < 5_200
    thirds = [variant_of("three", user, ("a", "b", "c")) for user in people]
    assert all(6_400 < thirds.count(name) < 6_930 for name in "abc")


@pytest.mark.parametrize(
    ("bought", "people", "low", "high"),
    # R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilson_s(bought: int, people: int, low: float, high: float) -> None:
    assert list(score_interval(bought, people)) == pytest.approx([low, high], abs=5e-5)


def test_the_interval_of_a_difference_is_newcombe_s() -> None:
    # R. G. Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: 56 of 70 and 48 of 80.
    olds = [user for user in range(300) if variant_of("table", user, BOTH) == "old"][:80]
    news = [user for user in range(300) if variant_of("table", user, BOTH) == "new"][:70]
    people = [(user, place < 48) for place, user in enumerate(olds)]
    people += [(user, place < 56) for place, user in enumerate(news)]
    [found] = result_of("table", BOTH, people).differences
    assert found.points == pytest.approx(20.0)
    assert [found.low, found.high] == pytest.approx([5.24, 33.39], abs=0.005)
    assert found.is_clear


def test_a_test_of_two_equal_variants_is_clear_in_about_five_of_a_hundred() -> None:
    chance = random.Random(5)  # noqa: S311
    clear = sum(
        result_of(f"nothing-{n}", BOTH, [(user, chance.random() < 0.1) for user in range(600)]).differences[0].is_clear
        for n in range(400)
    )
    assert 6 <= clear <= 36


def test_the_interval_has_the_true_difference_in_it_in_about_95_of_a_hundred() -> None:
    chance = random.Random(6)  # noqa: S311
    rates = {"old": 0.05, "new": 0.12}
    inside = 0
    for number in range(300):
        name = f"better-{number}"
        people = [(user, chance.random() < rates[variant_of(name, user, BOTH)]) for user in range(800)]
        [difference] = result_of(name, BOTH, people).differences
        inside += difference.low <= 7 <= difference.high
    assert 272 <= inside <= 299


def test_people_who_are_missing_on_one_side_are_noticed() -> None:
    people = [(user, False) for user in range(2_000)]
    assert result_of("even", BOTH, people).is_dealt_evenly
    kept = [(user, bought) for user, bought in people if user % 4 or variant_of("even", user, BOTH) == "old"]
    assert not result_of("even", BOTH, kept).is_dealt_evenly


def test_a_clock_of_telegram_that_is_a_little_behind_takes_no_sale_from_a_test() -> None:
    analytics = AnalyticsManager(clock=At())
    analytics.track_event("banner_shown", 1, at=NOW - timedelta(hours=1))
    analytics.track_event("payment_completed", 1, amount=10, at=NOW - timedelta(hours=1, seconds=2))
    found = analytics.get_experiment("banner", BOTH, shown_by="banner_shown")
    assert found is not None
    assert sum(one.bought for one in found.variants) == 1


def test_only_those_who_were_shown_it_count_and_what_they_bought_since() -> None:
    analytics = AnalyticsManager(clock=At())
    olds = [user for user in range(100) if variant_of("banner", user, BOTH) == "old"]
    news = [user for user in range(100) if variant_of("banner", user, BOTH) == "new"]
    for user in (*olds[:4], *news[:4]):
        analytics.track_event("banner_shown", user, at=NOW - timedelta(hours=2))
    for user in (olds[0], news[0], news[1]):
        analytics.track_event("payment_completed", user, amount=10, at=NOW - timedelta(hours=1))
    analytics.track_event("payment_completed", news[2], amount=10, at=NOW - timedelta(hours=3))  # before it was shown
    analytics.track_event("payment_completed", news[9], amount=10)  # who was not shown it
    found = analytics.get_experiment("banner", BOTH, days=7, shown_by="banner_shown")
    assert found is not None
    assert [(one.name, one.people, one.bought, one.rate) for one in found.variants] == [
        ("old", 4, 1, 25.0),
        ("new", 4, 2, 50.0),
    ]
    [difference] = found.differences
    assert difference.points == 25.0
    assert difference.low < 0 < difference.high
    assert not difference.is_clear
    everybody = analytics.get_experiment("banner", BOTH, days=7)
    assert everybody is not None
    assert sum(one.people for one in everybody.variants) == 9


def test_a_test_that_nobody_came_to_says_nothing() -> None:
    found = AnalyticsManager(clock=At()).get_experiment("banner", BOTH)
    assert found is not None
    assert [(one.rate, one.low, one.high) for one in found.variants] == [(None, 0.0, 100.0)] * 2
    assert found.differences[0].points is None
    assert not found.differences[0].is_clear


@pytest.mark.parametrize("variants", ["ab", ("a",), ("a", "a"), ()])
def test_what_are_no_variants_is_refused(variants: Any) -> None:
    with pytest.raises(ValidationError, match="variants"):
        variant_of("x", 1, variants)
