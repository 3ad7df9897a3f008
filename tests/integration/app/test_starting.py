"""When a shop opens by itself."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiogram import Dispatcher

from neonpay import NeonPayCore, create_neonpay
from neonpay.app.starting import Starter, runs_tests
from neonpay.errors import LedgerUnavailableError
from neonpay.payments.extension import Extension, Host
from neonpay.simulator import Simulator
from tests.integration.conftest import bot_of


class Opening:
    """A shop that may be opened."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.tries = 0
        self.is_open = False
        self.tried = asyncio.Event()
        self.done = asyncio.Event()

    async def open(self) -> None:
        self.tries += 1
        self.tried.set()
        if self.faults:
            raise self.faults.pop(0)
        self.is_open = True
        self.done.set()


@asynccontextmanager
async def starting(opening: Opening, after_s: float = 0.0) -> AsyncIterator[Starter]:
    starter = Starter(opening.open, lambda: opening.is_open, None, after_s=after_s)
    yield starter
    await starter.stop()


async def test_what_is_made_on_a_running_loop_opens_there() -> None:
    opening = Opening()
    async with starting(opening):
        await opening.done.wait()
    assert opening.tries == 1


async def test_it_waits_until_nothing_more_is_declared() -> None:
    opening = Opening()
    async with starting(opening, after_s=3600) as starter:
        starter.declared()
        for _ in range(10):
            await asyncio.sleep(0)
    assert opening.tries == 0


async def test_a_closed_shop_does_not_open_by_itself() -> None:
    opening = Opening()
    async with starting(opening) as starter:
        await starter.stop()
        starter.declared()
        starter.host_is_up()
        for _ in range(10):
            await asyncio.sleep(0)
    assert opening.tries == 0


async def test_a_fault_of_the_program_is_told_once_and_left_to_the_next_call(caplog: pytest.LogCaptureFixture) -> None:
    opening = Opening(ValueError("write this instead"))
    async with starting(opening):
        await opening.tried.wait()
    assert [record.getMessage() for record in caplog.records] == ["the shop cannot start: write this instead"]


async def test_a_database_that_comes_later_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    opening = Opening(LedgerUnavailableError("the server is starting"))
    async with starting(opening):
        await opening.done.wait()
    assert opening.tries == 2
    assert "tries again in 1 s: the server is starting" in caplog.text


def test_a_shop_that_never_sees_an_event_loop_says_what_to_write(caplog: pytest.LogCaptureFixture) -> None:
    told = threading.Event()

    class Tells(Starter):
        def _tell(self) -> None:
            super()._tell()
            told.set()

    async def never() -> None: ...

    Tells(never, lambda: False, None, after_s=0, tell_after_s=0)
    assert told.wait(10)
    assert "`await neonpay.setup()`" in caplog.text


def test_a_process_that_runs_tests_opens_shops_when_it_means_to() -> None:
    assert runs_tests()


FORKS_A_HELPER = """
import asyncio, multiprocessing
from neonpay.app.starting import Starter

opened = []

async def open_it():
    opened.append(True)

async def main(after_s):
    starter = Starter(open_it, lambda: bool(opened), None, after_s=after_s)
    await asyncio.sleep(0)
    helper = multiprocessing.get_context("fork").Process(target=help_out, args=(starter,))
    helper.start()
    helper.join()
    assert helper.exitcode == 0, helper.exitcode
    async with asyncio.timeout(100):
        while not opened:
            await asyncio.sleep(0)

async def look(starter):
    starter.host_is_up()
    for _ in range(100):
        await asyncio.sleep(0.002)  # longer than the start waits for

def help_out(starter):
    asyncio.run(look(starter))
    assert not opened, "a helper must not open the shop"

asyncio.run(main(0.05))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
async def test_a_helper_that_is_forked_off_starts_nothing_and_its_parent_does() -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", FORKS_A_HELPER, stderr=asyncio.subprocess.PIPE)
    _, errors = await program.communicate()
    assert (program.returncode, errors.decode()) == (0, "")


class Notes(Extension):
    """Notes that the shop is open."""

    name = "notes"
    is_open: asyncio.Event

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        self.is_open.set()
        yield


async def test_a_shop_that_was_made_before_the_loop_opens_with_the_first_call_of_the_hosts_bot(
    telegram: Simulator, sqlite_url: str
) -> None:
    bot = bot_of(telegram, telegram.bot("shop_bot"))
    notes = Notes()
    notes.is_open = asyncio.Event()

    def make() -> NeonPayCore:
        neonpay = create_neonpay(
            bot, dispatcher=Dispatcher(), database_url=sqlite_url, reconcile_every_s=None, start_after_s=0
        )
        neonpay.use(notes)
        return neonpay

    neonpay = await asyncio.to_thread(make)
    try:
        await bot.set_webhook("https://shop.example/hook")
        await asyncio.wait_for(notes.is_open.wait(), 50)
    finally:
        await neonpay.close()
        await bot.session.close()
