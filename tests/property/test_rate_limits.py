"""Whenever a user asks: in no window is there more than the limit, and the wait that is named is the wait that there is."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.core.namespaces import Awaiting
from neonpay.ledger import Ledger, open_ledger
from neonpay.security import ActionType, Rate
from neonpay.security.gate import SecurityGate
from neonpay.security.rate_limiter import RateLimiter

EXAMPLES = {"sqlite": 40, "postgresql": 15}
ACTION = ActionType.API_CALL


class MovableClock:
    def __init__(self) -> None:
        self.us = 1_790_000_000_000_000

    def now_us(self) -> int:
        return self.us


class Here:
    """A home on whatever loop runs."""

    def reside(self) -> None:
        return None


pauses = st.lists(st.integers(0, 4_000_000) | st.sampled_from([0, 1, 999_999, 1_000_000]), min_size=1, max_size=25)
rates = st.builds(Rate, st.integers(1, 5), st.integers(1, 6))


def test_a_limit_holds_in_every_window_and_says_when_it_ends(database_url: str, request: pytest.FixtureRequest) -> None:
    clock, users, gate = MovableClock(), count(1), SecurityGate(7)
    ledger = open_ledger(database_url, clock=clock)

    async def opened() -> Ledger:
        await ledger.open()
        return ledger

    limiter = RateLimiter(Awaiting(Here()), 7, opened, gate)

    async def ask(user_id: int, pause_us: int, allowed_at: list[int], rate: Rate) -> None:
        clock.us += pause_us
        check = await limiter.is_allowed(user_id, ACTION)
        recent = [at for at in allowed_at if at > clock.us - rate.window_us]
        assert check.allowed is (len(recent) < rate.most)
        if check.allowed:
            allowed_at.append(clock.us)
            assert check.retry_after_s is None
        else:
            wait_us = sorted(recent)[-rate.most] + rate.window_us - clock.us
            assert check.retry_after_s == wait_us / 1e6
        remaining = await limiter.get_remaining_requests(user_id, ACTION)
        assert remaining == rate.most - len([at for at in allowed_at if at > clock.us - rate.window_us])

    with asyncio.Runner() as runner:
        engine = request.node.callspec.params["database_url"]

        @settings(max_examples=EXAMPLES[engine], deadline=None, suppress_health_check=list(HealthCheck))
        @given(rate=rates, pauses=pauses)
        def check(rate: Rate, pauses: list[int]) -> None:
            limiter.set_limit(ACTION, rate.most, rate.window_s)
            user_id, allowed_at = next(users), list[int]()
            for pause_us in pauses:
                runner.run(ask(user_id, pause_us, allowed_at, rate))

        check()
        runner.run(ledger.close())
