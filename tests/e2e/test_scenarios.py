"""``neonpay simulate --scenario`` against the example shops, each in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.build, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TOKEN = "123456:" + "aB3-_" * 7


@pytest.mark.parametrize("shop", ["aiogram_shop.py", "ptb_shop.py", "telebot_shop.py"])
async def test_a_shop_goes_by_a_scenario(tmp_path: Path, shop: str) -> None:
    scenario = EXAMPLES / "scenarios" / "coffee.scenario.yaml"
    arguments = ("-m", "neonpay", "simulate", "--port", "0", "--token", TOKEN, "--scenario", str(scenario))
    simulating = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert simulating.stdout is not None
    told, url = "", None
    while url is None:
        line = await simulating.stdout.readline()
        assert line, told
        told += line.decode()
        url = re.search(r"Everything that can be asked: (http://\S+)/_sim/", told)
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / shop),
        cwd=tmp_path,
        env={**os.environ, "TELEGRAM_API_URL": url.group(1), "BOT_TOKEN": TOKEN},
    )
    try:
        rest, _ = await simulating.communicate()
    finally:
        bot.kill()
        await bot.wait()
    assert simulating.returncode == 0, told + rest.decode()
    assert "1 of 1 scenarios went as written." in rest.decode()
