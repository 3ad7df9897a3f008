"""The programs of ``docs/howto/deploy.md``, each behind the server that is printed beside it, stopped and killed."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from neonpay.errors import SimulatorTimeoutError
from neonpay.simulator import Simulator
from tests.e2e.printed import START_S, Running, free_port, heard, is_marked_as_delivered, is_right
from tests.failure.proving.balancer import Balancer
from tests.unit.docs.blocks import blocks, programs

if TYPE_CHECKING:
    from neonpay.simulator import BotAccount, Buyer

pytestmark = pytest.mark.timeout(300)

PAGE = "docs/howto/deploy.md"
LISTENS = "(?s)Listening at|(?=.*Uvicorn running on).*Application startup complete"
STOPS = "Handling signal: term|Shutting down|Received SIGTERM"
READY = "Your coffee is ready."


@dataclass(frozen=True)
class Printed:
    """A file of the page, how it tells Telegram the address, and how it is served."""

    file: str
    source: str
    tells: tuple[str, ...]
    serves: tuple[str, ...]


def _printed() -> list[Printed]:
    found = []
    for block in blocks("shell", pages=[PAGE]):
        lines = [tuple(shlex.split(line)) for line in block.text.splitlines()]
        if lines[0][0] == "python":
            source = [program.source for program in programs(PAGE) if program.blocks[0].line < block.line][-1]
            found += [Printed(lines[0][1], source, lines[0], serves) for serves in lines[1:]]
    return found


PRINTED = _printed()
BY_FILE = {shown.file: shown for shown in PRINTED}
each = pytest.mark.parametrize("shown", PRINTED, ids=lambda shown: f"{shown.file}-{shown.serves[0]}")


class Shop:
    """A program of the page, its bot and a buyer."""

    def __init__(self, telegram: Simulator, folder: Path, shown: Printed) -> None:
        port = free_port()
        self.telegram = telegram
        self.folder = folder
        self.shown = shown
        self.bot: BotAccount = telegram.bot("shop_bot")
        self.ann: Buyer = telegram.user("Ann", stars=100)
        self.serves = [re.sub(r"\b8000\b", str(port), word) for word in shown.serves]
        (folder / shown.file).write_text(shown.source, encoding="utf-8")
        self.running = Running(
            folder,
            telegram,
            {
                "BOT_TOKEN": self.bot.token,
                "WEBHOOK_SECRET": "s3cret",
                "WEBHOOK_URL": f"http://127.0.0.1:{port}/telegram",
            },
        )

    async def opens(self) -> None:
        await self.running.start(*self.serves)
        await self.running.says(LISTENS)

    async def is_delivering(self) -> str:
        """The charge of a coffee that is paid; the message that delivers it is on its way until time passes."""
        await self.ann.says("/start", to=self.bot)
        try:
            invoice = await self.ann.hears(self.bot, timeout_s=START_S)
        except SimulatorTimeoutError as exc:
            raise AssertionError(self.running.log()) from exc
        self.telegram.faults.slow("sendMessage", delay_s=3600)
        outcome = await self.ann.pays(invoice, timeout_s=START_S)
        assert outcome.status == "paid", (outcome, self.running.log())
        await self.telegram.until(lambda: len(self.telegram.faults) == 0, timeout_s=START_S)
        assert heard(self.ann, self.bot, READY) == 0
        return str(outcome.charge_id)

    async def is_told(self) -> None:
        self.running.tell(signal.SIGTERM)
        await self.running.says(STOPS)

    async def ends_well(self) -> None:
        """By itself: uvicorn has closed everything, and then ends by the signal that it was sent."""
        assert await self.running.ends() in {0, -signal.SIGTERM}, self.running.log()

    async def has_delivered_once(self, charge_id: str) -> None:
        await is_marked_as_delivered(self.folder, self.bot, charge_id)
        await self.is_told()
        await self.ends_well()
        assert heard(self.ann, self.bot, READY) == 1
        assert self.ann.stars == 95
        await is_right(self.folder)


@pytest.fixture
async def shop(tmp_path: Path, shown: Printed) -> AsyncIterator[Shop]:
    async with Simulator(seed=11) as telegram:
        shop = Shop(telegram, tmp_path, shown)
        await shop.running.run(*shown.tells)
        yield shop
        await shop.running.kill()


@each
async def test_a_program_of_the_page_ends_its_delivery_before_it_stops(shop: Shop) -> None:
    await shop.opens()
    charge_id = await shop.is_delivering()
    await shop.is_told()
    await shop.telegram.advance(hours=1)
    await shop.ann.hears(shop.bot, containing=READY, timeout_s=START_S)
    await shop.ends_well()
    await shop.opens()
    await shop.has_delivered_once(charge_id)


@each
async def test_a_delivery_that_takes_longer_than_a_stop_waits_is_done_by_the_next_start(shop: Shop) -> None:
    if "async def deliver" in shop.shown.source:
        shop.running.environment["NEONPAY_LEASE_S"] = "3600"  # it is given back, and no lease has to run out
    await shop.opens()
    charge_id = await shop.is_delivering()
    await shop.is_told()
    await shop.ends_well()
    await shop.opens()
    await shop.ann.hears(shop.bot, containing=READY, timeout_s=START_S)
    await shop.has_delivered_once(charge_id)


@each
async def test_a_program_of_the_page_that_is_killed_in_a_delivery_delivers_after_its_next_start(shop: Shop) -> None:
    await shop.opens()
    charge_id = await shop.is_delivering()
    await shop.running.kill()
    await shop.opens()
    await shop.ann.hears(shop.bot, containing=READY, timeout_s=START_S)
    await shop.has_delivered_once(charge_id)


async def test_a_worker_that_gunicorn_forks_in_place_of_a_dead_one_delivers_without_an_update(tmp_path: Path) -> None:
    shown = BY_FILE["flask_shop.py"]
    async with Simulator(seed=12) as telegram:
        shop = Shop(telegram, tmp_path, shown)
        shop.serves = [
            "gunicorn",
            "--preload",
            *re.sub("--workers 2", "--workers 1", " ".join(shop.serves)).split()[1:],
        ]
        await shop.running.run(*shown.tells)
        try:
            await shop.opens()
            charge_id = await shop.is_delivering()
            (worker,) = re.findall(r"Booting worker with pid: (\d+)", shop.running.log())
            os.kill(int(worker), signal.SIGKILL)
            await shop.ann.hears(shop.bot, containing=READY, timeout_s=START_S)
            await shop.has_delivered_once(charge_id)
        finally:
            await shop.running.kill()


@pytest.mark.parametrize("lease_s", ["3600", "2"], ids=["stopped", "killed"])
async def test_what_one_worker_behind_a_balancer_leaves_the_other_delivers(tmp_path: Path, lease_s: str) -> None:
    shown = BY_FILE["fastapi_shop.py"]
    sockets = [tmp_path / "1.sock", tmp_path / "2.sock"]
    served = [
        shlex.split(line.replace("/run/shop", str(tmp_path)))
        for block in blocks("shell", pages=[PAGE])
        for line in block.text.splitlines()
        if "--uds" in line
    ]
    async with Simulator(seed=13) as telegram, Balancer(sockets, random=Random(1), lost_share=0) as balancer:  # noqa: S311
        one = Shop(telegram, tmp_path, shown)
        one.running.environment["NEONPAY_LEASE_S"] = lease_s
        one.running.environment["WEBHOOK_URL"] = balancer.url.replace("/hook", "/telegram")
        other = Running(tmp_path, telegram, one.running.environment, log="log-of-the-other")
        await one.running.run(*shown.tells)
        try:
            one.serves = served[0]
            await one.opens()
            charge_id = await one.is_delivering()
            await other.start(*served[1])
            await other.says(LISTENS)
            if lease_s == "2":
                await one.running.kill()
            else:
                await one.is_told()
            await one.ann.hears(one.bot, containing=READY, timeout_s=START_S)
            await is_marked_as_delivered(tmp_path, one.bot, charge_id)
            other.tell(signal.SIGTERM)
            assert await other.ends() in {0, -signal.SIGTERM}, other.log()
            assert heard(one.ann, one.bot, READY) == 1
            await is_right(tmp_path)
        finally:
            await one.running.kill()
            await other.kill()


def test_what_starts_the_programs_elsewhere_starts_them_as_the_page_does() -> None:
    served = {" ".join(shown.serves) for shown in PRINTED}
    unit = ConfigParser(interpolation=None)
    unit.read_string("\n".join(block.text for block in blocks("ini", pages=[PAGE])))
    image = "".join(block.text for block in blocks("dockerfile", pages=[PAGE]))
    command = json.loads(image.partition("CMD ")[2])
    assert unit["Service"]["ExecStart"].removeprefix("/srv/shop/.venv/bin/") in served
    assert " ".join(command).replace("0.0.0.0", "127.0.0.1") in served  # noqa: S104 - inside the container
    for file in re.findall(r"^COPY (\w+\.py) ", image, re.MULTILINE):
        assert file in BY_FILE


def test_the_page_has_a_program_for_each_framework() -> None:
    assert [shown.file for shown in PRINTED] == ["flask_shop.py", "fastapi_shop.py", "django_shop.py", "asgi_shop.py"]
