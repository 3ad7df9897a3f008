"""Calls that cross over to an event loop which ends before they do."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings

import pytest

from neonpay.core.loop_bridge import bridged
from neonpay.errors import LedgerError


class Shop:
    """What is used on the loop of whoever came first, until that loop is closed."""

    def __init__(self) -> None:
        self.home: asyncio.AbstractEventLoop | None = None
        self.calls: list[asyncio.AbstractEventLoop] = []
        self.begun = threading.Event()

    def reside(self) -> asyncio.AbstractEventLoop | None:
        here = asyncio.get_running_loop()
        if self.home is None or self.home.is_closed():
            self.home = here
        return None if self.home is here else self.home

    async def sells(self, pause_s: float) -> str:
        self.calls.append(asyncio.get_running_loop())
        self.begun.set()
        await asyncio.sleep(pause_s)
        return "sold"


def test_a_call_whose_loop_ends_in_its_middle_says_what_to_do_instead() -> None:
    shop, is_home = Shop(), threading.Event()

    async def request_of_somebody_else() -> None:
        shop.reside()
        is_home.set()
        await asyncio.to_thread(shop.begun.wait, 10)

    thread = threading.Thread(target=asyncio.run, args=(request_of_somebody_else(),))
    thread.start()
    is_home.wait(10)
    with pytest.raises(LedgerError, match="keep one event loop running"):
        asyncio.run(asyncio.wait_for(bridged(shop.sells, shop, None)(60), 100))
    thread.join(10)


def test_a_call_that_has_not_begun_when_its_loop_ends_is_made_on_its_own() -> None:
    shop, ended = Shop(), asyncio.new_event_loop()
    shop.home = ended  # it does not run, so nothing that is handed to it begins
    threading.Timer(0.3, ended.close).start()
    assert asyncio.run(asyncio.wait_for(bridged(shop.sells, shop, None)(0), 100)) == "sold"
    assert len(shop.calls) == 1
    assert shop.calls != [ended]


def test_a_call_that_is_given_up_before_its_loop_ran_leaves_nothing_behind() -> None:
    shop, still = Shop(), asyncio.new_event_loop()
    shop.home = still  # it does not run, and is not closed either
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(bridged(shop.sells, shop, None)(0), 0.2))
    still.close()
    with warnings.catch_warnings(record=True) as warned:
        gc.collect()
    assert not [str(warning.message) for warning in warned if "_Visit" in str(warning.message)]
    assert shop.calls == []
