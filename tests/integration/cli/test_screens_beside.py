"""What commands show that look at more than a ledger, on terminals of 80 and 120 columns; see ``test_screens``."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentStage
from neonpay.cli.welcome import print_welcome
from neonpay.simulator import Simulator
from neonpay.simulator.clock import SteppedClock
from tests.integration.cli.terminal import compare, plain, screen, terminal
from tests.integration.conftest import Shop

if TYPE_CHECKING:
    from pathlib import Path


TOKEN = "123456:" + "aB3-_" * 7
WIDTHS = (80, 120)
LONG_AGO = 1_760_000_000
"""When no update of a sale can still be on its way."""
_VARIES = (
    (r"(neonpay|aiohttp) \d+\.\d+\.[\w.]+", r"\1 3.0.0"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:41911"),
    (r"(?m)^database\.place .*\n(    .*\n)*", ""),  # a container loses its files, and is told so
    (r"\d warnings", "3 warnings"),
)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("arguments", [("extensions",), ("monitoring", "--help")], ids=lambda words: words[0])
async def test_lists_fit(arguments: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = await screen(monkeypatch, *arguments, columns=columns)
    shown = re.sub(r"(?s)╭─ Options.*?╯\n", "", shown)  # typer's own words, which its releases change
    compare(arguments[0], columns, "\n".join(line.rstrip() for line in shown.strip().splitlines()) + "\n")


@pytest.mark.parametrize("columns", WIDTHS)
async def test_the_doctor_says_what_is_and_below_it_what_to_do(
    telegram: Simulator, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telegram.bot("shop_bot", token=TOKEN)
    monkeypatch.chdir(tmp_path)
    there = {
        "NEONPAY_DATABASE_URL": "sqlite:///shop.db",
        "NEONPAY_API_URL": telegram.base_url,
        "NEONPAY_BOT_TOKEN": TOKEN,
        "NEONPAY_SECRET": "seven ducks",
    }
    shown = await screen(monkeypatch, "doctor", "--library", "botapi", "--webhook", columns=columns, **there)
    for pattern, instead in _VARIES:
        shown = re.sub(pattern, instead, shown)
    compare("doctor", columns, shown)


async def test_a_comparison_says_what_another_ledger_has_sold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(seed=11, clock=SteppedClock(LONG_AGO)) as telegram:
        account = telegram.bot("shop_bot", token=TOKEN)
        async with aclosing(Shop(telegram, account, database_url=f"sqlite:///{tmp_path}/shop.db")) as shop:
            shop.neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
            shop.neonpay.on_payment(name="deliver")(_deliver)
            async with shop.polling():
                await shop.sells(await shop.visitor())
        for columns in WIDTHS:
            url = f"sqlite:///{tmp_path}/{columns}.db"
            async with aclosing(Shop(telegram, account, database_url=url)) as new:
                await new.neonpay.setup()
            there = {"NEONPAY_DATABASE_URL": url, "NEONPAY_API_URL": telegram.base_url, "NEONPAY_BOT_TOKEN": TOKEN}
            compare("reconcile", columns, await screen(monkeypatch, "reconcile", columns=columns, **there))


@pytest.mark.parametrize("columns", WIDTHS)
async def test_the_simulator_says_what_to_copy_in_lines_that_work(
    telegram: Simulator, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, ann = telegram.bot("bot1_bot", token=TOKEN), telegram.user("Ann", stars=1_000)
    with terminal(monkeypatch, columns) as shown:
        print_welcome(telegram, [bot], ann, stars=1_000)
    port = telegram.base_url.rpartition(":")[2]
    compare("simulate", columns, plain(shown).replace(port.ljust(5), "41911"))


async def _deliver() -> None: ...
