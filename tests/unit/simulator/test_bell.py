"""How long a wait of the simulator is patient."""

from __future__ import annotations

import asyncio

import pytest

from neonpay.errors import SimulatorTimeoutError
from neonpay.simulator.bell import Bell


async def test_a_process_that_stood_still_for_a_minute_has_not_waited_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, looks, stood_still_s = asyncio.get_running_loop(), 0, 0.0
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + stood_still_s)

    def look() -> bool:
        nonlocal looks, stood_still_s
        looks += 1
        stood_still_s += 60.0
        return looks == 3

    assert await Bell().wait_for(look, timeout_s=30.0, what="the third look")


async def test_a_wait_that_ends_says_what_it_waited_for_and_how_long() -> None:
    with pytest.raises(SimulatorTimeoutError, match=r"waited 0\.01 s of real time for a miracle"):
        await Bell().wait_for(lambda: False, timeout_s=0.01, what="a miracle")
