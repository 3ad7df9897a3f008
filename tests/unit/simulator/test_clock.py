"""Virtual time."""

from __future__ import annotations

import asyncio

import pytest

from neonpay.errors import SimulatorError
from neonpay.simulator.clock import RunningClock, SteppedClock


async def test_timers_fire_in_order_each_at_its_own_moment():
    clock, seen = SteppedClock(100), []
    clock.call_after(5, lambda: seen.append(("five", clock.now())))
    clock.call_after(2, lambda: seen.append(("two", clock.now())))
    clock.call_after(5, lambda: seen.append(("five again", clock.now())))
    await clock.advance(4.9)
    assert seen == [("two", 102)]
    await clock.advance(10)
    assert seen == [("two", 102), ("five", 105), ("five again", 105)]
    assert clock.now() == pytest.approx(114.9)


async def test_a_cancelled_timer_does_not_fire():
    clock, seen = SteppedClock(0), []
    clock.call_after(1, lambda: seen.append("fired")).cancel()
    await clock.advance(2)
    assert seen == []


async def test_a_timer_set_by_a_timer_fires_in_the_same_advance():
    clock, seen = SteppedClock(0), []
    clock.call_after(1, lambda: seen.append(clock.call_after(1, lambda: seen.append(clock.now())).when))
    await clock.advance(3)
    assert seen == [2, 2]


async def test_time_waits_for_what_a_timer_started():
    clock, seen = SteppedClock(0), []

    async def slow():
        await asyncio.sleep(0)
        seen.append(clock.now())

    clock.call_after(1, slow)
    await clock.advance(10)
    assert seen == [1]


@pytest.mark.parametrize("seconds", [-1, float("nan")])
async def test_time_does_not_go_back(seconds):
    clock = SteppedClock(50)
    with pytest.raises(SimulatorError, match="only goes forward"):
        await clock.advance(seconds)
    assert clock.now() == 50


async def test_a_running_clock_follows_real_time_plus_what_was_advanced():
    real = [1000.0]
    clock = RunningClock(50, monotonic=lambda: real[0])
    fired = []
    clock.call_after(60, lambda: fired.append(clock.now()))
    real[0] += 7
    assert clock.now() == 57
    await clock.advance(100)
    assert clock.now() == 157
    assert fired == [110]
    clock.stop()


async def test_a_running_clock_fires_by_itself():
    clock, fired = RunningClock(), asyncio.Event()
    clock.start()
    clock.call_after(0.001, fired.set)
    async with asyncio.timeout(100):
        await fired.wait()
    clock.stop()


async def test_a_step_goes_to_the_next_thing_that_falls_due_and_no_further():
    clock, seen = SteppedClock(0.1), []
    clock.call_after(0.2, lambda: seen.append("cancelled")).cancel()
    clock.call_after(0.3, lambda: seen.append("one"), what="the first")
    clock.call_after(0.3, lambda: seen.append("two"))
    clock.call_after(7, lambda: seen.append("three"))
    assert clock.next_due().what == "the first"
    assert (await clock.step()).what == "the first"
    assert seen == ["one", "two"]
    assert clock.now() == 0.1 + 0.3
    await clock.step()
    assert (seen[-1], await clock.step()) == ("three", None)


async def test_a_running_clock_stands_while_frozen_and_goes_on_from_there():
    real = [1000.0]
    clock, fired = RunningClock(50, monotonic=lambda: real[0]), []
    clock.call_after(60, lambda: fired.append(clock.now()))
    assert not clock.frozen
    clock.freeze()
    real[0] += 500
    assert (clock.frozen, clock.now()) == (True, 50)
    await clock.step()
    assert (fired, clock.now()) == ([110], 110)
    await clock.advance(5)
    clock.run()
    clock.run()
    real[0] += 2
    assert (clock.frozen, clock.now()) == (False, 117)


async def test_a_frozen_clock_fires_nothing_until_it_runs_again():
    clock, fired = RunningClock(), asyncio.Event()
    clock.start()
    clock.freeze()
    clock.call_after(0, fired.set)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not fired.is_set()
    clock.run()
    async with asyncio.timeout(100):
        await fired.wait()
    clock.stop()


async def test_a_stepped_clock_says_that_it_cannot_run():
    clock = SteppedClock(0)
    clock.freeze()
    assert (clock.frozen, clock.can_run, RunningClock().can_run) == (True, False, True)
    with pytest.raises(SimulatorError, match="RunningClock"):
        clock.run()
