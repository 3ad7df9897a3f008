"""The bots that README.md and the page of each library print, stopped and killed in the middle of a delivery."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from neonpay.simulator import Simulator
from tests.e2e.mtproto_wire import Exchange
from tests.e2e.printed import START_S, Running, heard, is_marked_as_delivered, is_right
from tests.unit.docs.blocks import blocks

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.simulator import BotAccount, Buyer

pytestmark = pytest.mark.timeout(300)

READY = "Your coffee is ready."


@dataclass(frozen=True)
class Printed:
    """A block that is a whole program.

    Attributes:
        page: where it is.
        word: that only this block of the page has.
        stops_for: the signal that it ends for after it has given its work back.
        renamed: the words of the page that another library has in place of its own.
    """

    page: str
    word: str
    stops_for: signal.Signals = signal.SIGTERM
    renamed: tuple[str, str] = ("", "")

    @property
    def source(self) -> str:
        (block,) = [block for block in blocks("python", pages=[self.page]) if self.word in block.text]
        return block.text.replace(*self.renamed) if self.renamed[0] else block.text

    @property
    def is_mtproto(self) -> bool:
        return "API_ID" in self.source


PRINTED = {
    "README": Printed("README.md", "dispatcher.run_polling"),
    "aiogram": Printed("docs/howto/aiogram.md", "dispatcher.run_polling"),
    "ptb": Printed("docs/howto/ptb.md", "application.run_polling"),
    "telebot": Printed("docs/howto/telebot.md", "bot = TeleBot(", signal.SIGINT),
    "telebot_async": Printed("docs/howto/telebot.md", "bot = AsyncTeleBot(", signal.SIGINT),
    "botapi": Printed("docs/howto/bot-token.md", "neonpay.run_polling"),
    "pyrogram": Printed("docs/howto/pyrogram.md", "bot.run()"),
    "hydrogram": Printed("docs/howto/pyrogram.md", "bot.run()", renamed=("from pyrogram", "from hydrogram")),
    "telethon": Printed("docs/howto/telethon.md", "run_until_disconnected", signal.SIGINT),
}
THERE = [name for name in PRINTED if name not in {"pyrogram", "hydrogram", "telethon"} or find_spec(name) is not None]
each = pytest.mark.parametrize("name", THERE)


class Shop:
    """A printed bot and its buyer."""

    def __init__(self, telegram: Simulator, folder: Path, shown: Printed, lines: Exchange) -> None:
        self.telegram = telegram
        self.folder = folder
        self.shown = shown
        self.lines = lines
        self.bot: BotAccount = telegram.bot("shop_bot")
        self.ann: Buyer = telegram.user("Ann", stars=100)
        (folder / "shop.py").write_text(shown.source, encoding="utf-8")
        environment = {
            "BOT_TOKEN": self.bot.token,
            "API_ID": "1",
            "API_HASH": "0123456789abcdef",
            "SIMULATED_MTPROTO": str(folder / "mtproto.sock"),
        }
        self.running = Running(folder, telegram, environment)

    async def opens(self) -> None:
        await self.running.start("python", "shop.py")

    async def is_delivering(self) -> str:
        """The charge of a coffee that is paid; the message that delivers it is on its way until time passes."""
        if self.shown.is_mtproto:
            await self.lines.signed_in.wait()  # what was said before, a client of MTProto has missed
        await self.ann.says("/start", to=self.bot)
        invoice = await self.ann.hears(self.bot, timeout_s=START_S)
        self.telegram.faults.slow("sendMessage", delay_s=3600)
        outcome = await self.ann.pays(invoice, timeout_s=START_S)
        assert outcome.status == "paid", (outcome, self.running.log())
        await self.telegram.until(lambda: len(self.telegram.faults) == 0, timeout_s=START_S)
        assert heard(self.ann, self.bot, READY) == 0
        return str(outcome.charge_id)

    async def starts_again_and_delivers(self, charge_id: str) -> None:
        await self.opens()
        await self.ann.hears(self.bot, containing=READY, timeout_s=START_S)
        await is_marked_as_delivered(self.folder, self.bot, charge_id)
        self.running.tell(self.shown.stops_for)
        await self.running.ends()
        assert heard(self.ann, self.bot, READY) == 1
        assert self.ann.stars == 95
        await is_right(self.folder)


@pytest.fixture
async def shop(tmp_path: Path, name: str) -> AsyncIterator[Shop]:
    async with Simulator(seed=14) as telegram, Exchange(telegram, tmp_path / "mtproto.sock") as lines:
        shop = Shop(telegram, tmp_path, PRINTED[name], lines)
        yield shop
        await shop.running.kill()


@each
async def test_a_printed_bot_that_is_stopped_in_a_delivery_gives_it_to_its_next_start(shop: Shop) -> None:
    if "async def deliver" in shop.shown.source:
        shop.running.environment["NEONPAY_LEASE_S"] = "3600"  # it is given back, and no lease has to run out
    await shop.opens()
    charge_id = await shop.is_delivering()
    shop.running.tell(shop.shown.stops_for)
    assert await shop.running.ends() in {0, -signal.SIGINT}, "Python ends a program that leaves Ctrl+C unhandled by it"
    await shop.starts_again_and_delivers(charge_id)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
@each
async def test_a_printed_bot_that_is_ended_in_a_delivery_delivers_after_its_next_start(
    shop: Shop, number: signal.Signals
) -> None:
    await shop.opens()
    charge_id = await shop.is_delivering()
    shop.running.tell(number)
    ended = await shop.running.ends()
    assert (ended == -number) is (number == signal.SIGKILL or shop.shown.stops_for != signal.SIGTERM)
    await shop.starts_again_and_delivers(charge_id)
