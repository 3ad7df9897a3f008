"""What is tried again, how often, and after which pauses."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from neonpay import RetryPolicy, TelegramError, ValidationError


class Watch:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def now_s(self) -> float:
        return self.now

    def sleep_sync(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        self.sleep_sync(seconds)

    def policy(self, **rules: object) -> RetryPolicy:
        plain = RetryPolicy(
            on=ConnectionError, jitter=0, now_s=self.now_s, sleep=self.sleep, sleep_sync=self.sleep_sync
        )
        return replace(plain, **rules)  # type: ignore[arg-type]


class Flaky:
    """Raises what it was given, one after another, and then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_pauses_grow_by_the_factor_up_to_the_longest(watch: Watch) -> None:
    policy = watch.policy(first_pause_s=1, factor=3, most_pause_s=10)
    assert [policy.pause_s(attempt) for attempt in (1, 2, 3, 4, 10_000)] == [1, 3, 9, 10, 10]


def test_chance_takes_away_no_more_than_the_jitter(watch: Watch) -> None:
    policy = watch.policy(first_pause_s=4, jitter=0.25, chance=random.Random(7).random)  # noqa: S311  # no secret
    pauses = [policy.pause_s(1) for _ in range(99)]
    assert min(pauses) >= 3
    assert max(pauses) <= 4
    assert len(set(pauses)) > 90


def test_an_error_that_says_when_is_asked_again_then(watch: Watch) -> None:
    too_many = TelegramError("x", error_code=429, description="Too Many Requests", retry_after_s=7)
    assert watch.policy(jitter=1).pause_s(1, too_many) == 7


def test_a_coroutine_function_is_tried_again_until_it_is_well(watch: Watch) -> None:
    flaky = Flaky(ConnectionError(), ConnectionError())

    @watch.policy(first_pause_s=1)
    async def fetch(word: str) -> str:
        return word + flaky()

    assert asyncio.run(fetch("it is ")) == "it is done"
    assert fetch.__name__ == "fetch"
    assert watch.pauses == [1, 2]


def test_a_plain_function_is_tried_again_until_it_is_well(watch: Watch) -> None:
    flaky = Flaky(ConnectionError(), ConnectionError())

    @watch.policy(first_pause_s=1)
    def fetch(word: str) -> str:
        return word + flaky()

    assert fetch("it is ") == "it is done"
    assert watch.pauses == [1, 2]


async def test_a_block_is_tried_again_and_sees_what_failed_before(watch: Watch) -> None:
    lost = ConnectionError("lost")
    flaky, seen = Flaky(lost), []
    async for attempt in watch.policy():
        with attempt:
            seen.append((attempt.number, attempt.error))
            flaky()
    assert seen == [(1, None), (2, lost)]


def test_a_plain_block_is_tried_again(watch: Watch) -> None:
    flaky = Flaky(ConnectionError())
    for attempt in watch.policy():
        with attempt:
            flaky()
    assert flaky.calls == 2


def test_the_last_error_is_raised_as_it_is(watch: Watch) -> None:
    errors = [ConnectionError(str(number)) for number in range(9)]
    flaky = Flaky(*errors)
    with pytest.raises(ConnectionError) as raised:
        watch.policy(attempts=3)(flaky.__call__)()
    assert raised.value is errors[2]
    assert flaky.calls == 3
    assert len(watch.pauses) == 2


def test_no_attempt_begins_after_the_total_time(watch: Watch) -> None:
    flaky = Flaky(*[ConnectionError() for _ in range(9)])
    with pytest.raises(ConnectionError):
        watch.policy(attempts=None, first_pause_s=1, factor=1, total_s=3)(flaky.__call__)()
    assert watch.now == 103
    assert flaky.calls == 4


def test_what_is_not_worth_it_is_raised_at_once(watch: Watch) -> None:
    flaky = Flaky(KeyError("no such gem"))
    with pytest.raises(KeyError):
        watch.policy()(flaky.__call__)()
    assert flaky.calls == 1


def test_a_function_may_say_what_is_worth_it(watch: Watch) -> None:
    flaky = Flaky(KeyError("try again"), KeyError("no such gem"))
    with pytest.raises(KeyError, match="no such gem"):
        watch.policy(on=lambda error: "try again" in str(error))(flaky.__call__)()
    assert flaky.calls == 2


async def test_a_cancellation_is_never_tried_again(watch: Watch) -> None:
    flaky = Flaky(asyncio.CancelledError())

    @watch.policy(on=lambda _: True)
    async def fetch() -> str:
        return flaky()

    with pytest.raises(asyncio.CancelledError):
        await fetch()
    assert flaky.calls == 1


def test_a_policy_is_a_value() -> None:
    policy = RetryPolicy(on=OSError, attempts=3)
    assert policy == RetryPolicy(on=OSError, attempts=3)
    with pytest.raises(FrozenInstanceError):
        policy.attempts = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("rule", "value"),
    [("attempts", 0), ("first_pause_s", -1), ("factor", 0.5), ("most_pause_s", 0.0), ("jitter", 1.5), ("total_s", -1)],
)
def test_a_number_out_of_range_is_refused_by_its_name(watch: Watch, rule: str, value: float) -> None:
    with pytest.raises(ValidationError) as refused:
        watch.policy(**{rule: value})
    assert refused.value.field == rule


@pytest.mark.parametrize("on", [[ValueError], (), 5, BaseException, (ValueError, "TypeError")])
def test_what_is_worth_it_is_a_kind_of_error_or_a_function(on: object) -> None:
    with pytest.raises(ValidationError, match="on"):
        RetryPolicy(on=on)  # type: ignore[arg-type]  # what is tried


def test_an_error_that_says_a_time_in_the_past_is_tried_at_the_usual_one(watch: Watch) -> None:
    error = OSError()
    error.retry_after_s = -5  # type: ignore[attr-defined]
    assert RetryPolicy(on=OSError, jitter=0).pause_s(1, error) == RetryPolicy(on=OSError, jitter=0).pause_s(1)


def test_a_generator_is_refused() -> None:
    def counts() -> Iterator[int]:
        yield 1

    with pytest.raises(ValidationError, match="no generator"):
        RetryPolicy(on=OSError)(counts)


@pytest.mark.parametrize("field", ["first_pause_s", "factor", "most_pause_s", "jitter", "total_s", "attempts"])
def test_what_is_no_number_is_refused_with_what_it_has_to_be(field: str) -> None:
    for value in ("1", True, [1], float("nan")):
        with pytest.raises(ValidationError, match=field):
            RetryPolicy(on=OSError, **{field: value})  # type: ignore[arg-type]


async def test_a_plain_function_that_returns_a_coroutine_is_tried_again_like_one_that_is_awaited(watch: Watch) -> None:
    flaky = Flaky(ConnectionError("a"), ConnectionError("b"))

    async def ask(word: str) -> str:
        return flaky() + word

    assert await watch.policy()(lambda: ask("!"))() == "done!"
    assert flaky.calls == 3


def test_what_is_tried_again_can_be_called_and_is_bound_by_what_stands_above() -> None:
    policy = RetryPolicy(on=OSError)
    given: list[Any] = ["ask", staticmethod(print), classmethod(print)]
    for function in given:
        with pytest.raises(ValidationError, match="above the policy"):
            policy(function)


@pytest.mark.parametrize("asked_s", ["3", None, float("nan"), -1, 0, True])
def test_an_error_that_does_not_say_when_in_seconds_is_tried_again_after_the_pause(asked_s: object) -> None:
    error = OSError()
    error.retry_after_s = asked_s  # type: ignore[attr-defined]
    assert RetryPolicy(on=OSError, first_pause_s=2, jitter=0).pause_s(1, error) == 2
