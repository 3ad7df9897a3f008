"""A method that has no answer again and again is not asked for a while, by the clock that is passed in."""

from __future__ import annotations

import pytest

from neonpay.errors import TelegramError
from neonpay.telegram.breaker import ALWAYS_ASKED, FAILURES, OPEN_S, Breaker


class StillClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at_us = 1_800_000_000_000_000

    def now_us(self) -> int:
        return self.at_us

    def pass_s(self, seconds: float) -> None:
        self.at_us += int(seconds * 1_000_000)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


def opened(clock: StillClock, method: str = "sendMessage") -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.admit(method)
        breaker.failed(method)
    return breaker


def is_admitted(breaker: Breaker, method: str = "sendMessage") -> bool:
    try:
        breaker.admit(method)
    except TelegramError:
        return False
    return True


def test_a_circuit_opens_after_failures_in_a_row(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(10.5)
    with pytest.raises(TelegramError, match="not asked: the last 5 calls of sendMessage") as refused:
        breaker.admit("sendMessage")
    assert (refused.value.error_code, refused.value.retry_after_s) == (503, 20)
    assert breaker.open_methods == ["sendMessage"]


def test_an_answer_in_between_begins_the_count_anew(clock: StillClock) -> None:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.failed("sendMessage")
        breaker.answered("sendMessage")
    assert is_admitted(breaker)


def test_each_method_has_a_circuit_of_its_own(clock: StillClock) -> None:
    assert is_admitted(opened(clock), "sendInvoice")


@pytest.mark.parametrize("method", sorted(ALWAYS_ASKED))
def test_what_money_hangs_on_is_always_asked(clock: StillClock, method: str) -> None:
    breaker = opened(clock, method)
    assert is_admitted(breaker, method)
    assert breaker.open_methods == []


def test_one_call_is_let_through_when_the_time_is_over(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(OPEN_S)
    assert [is_admitted(breaker) for _ in range(3)] == [True, False, False]


def test_a_call_that_sees_an_answer_closes_the_circuit(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(OPEN_S)
    breaker.admit("sendMessage")
    breaker.answered("sendMessage")
    assert [is_admitted(breaker) for _ in range(3)] == [True, True, True]
    assert breaker.open_methods == []


def test_a_call_that_sees_none_opens_it_again_for_as_long(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(OPEN_S)
    breaker.admit("sendMessage")
    breaker.failed("sendMessage")
    clock.pass_s(OPEN_S - 1)
    assert not is_admitted(breaker)
    clock.pass_s(1)
    assert is_admitted(breaker)


def test_what_was_under_way_when_it_opened_keeps_it_open_no_longer(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(OPEN_S - 1)
    breaker.failed("sendMessage")
    clock.pass_s(1)
    assert is_admitted(breaker)


def test_a_caller_that_has_gone_leaves_the_try_to_the_next(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(OPEN_S)
    breaker.admit("sendMessage")
    breaker.given_up("sendMessage")
    assert is_admitted(breaker)


def test_a_clock_that_was_put_back_keeps_no_circuit_open(clock: StillClock) -> None:
    breaker = opened(clock)
    clock.pass_s(-3600)
    assert is_admitted(breaker)
