"""The bot that README.md prints, run as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest

from neonpay.simulator import Simulator

pytestmark = pytest.mark.timeout(180)  # the bot loads aiogram, which takes seconds on a slow machine

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0
PRINTED_IN = ("README.md", "README.ru.md")


def _printed(name: str) -> str:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert blocks, f"{name} shows no Python"
    return str(blocks[0])


@pytest.mark.parametrize("name", PRINTED_IN)
def test_the_bot_that_is_printed_is_the_example(name: str) -> None:
    assert _printed(name) == (ROOT / "examples/quickstart.py").read_text(encoding="utf-8")


def test_the_russian_page_says_which_links_lead_to_english() -> None:
    page = (ROOT / "README.ru.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?:docs/[^)]+|README)\.md[^)]*\)(.{0,8})", page)
    assert len(links) > 8
    assert [after for after in links if not after.startswith((" (англ.)", ", англ."))] == []


def test_the_pages_print_the_same_lines_to_type() -> None:
    english, russian = (
        re.findall(r"^```shell\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for name in PRINTED_IN
    )
    assert english == russian


def test_the_bot_that_is_printed_has_twenty_lines_of_code() -> None:
    _docstring, *code = [line for line in _printed("README.md").splitlines() if line.strip()]
    assert len(code) == 20


def test_the_bot_that_is_printed_says_that_it_has_no_token(tmp_path: Path) -> None:
    script = tmp_path / "quickstart.py"
    script.write_text(_printed("README.md"), encoding="utf-8")
    env = {name: text for name, text in os.environ.items() if name != "BOT_TOKEN"}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Set BOT_TOKEN to the bot's token. `neonpay simulate` prints one to try.\n"


async def test_the_bot_that_is_printed_sells_a_coffee(tmp_path: Path) -> None:
    script = tmp_path / "quickstart.py"
    script.write_text(_printed("README.md"), encoding="utf-8")
    async with Simulator(seed=20) as telegram:
        shop, ann = telegram.bot("coffee_bot"), telegram.user("Ann", stars=7)
        process = await create_subprocess_exec(
            sys.executable,
            script,
            cwd=tmp_path,
            env={**os.environ, "BOT_TOKEN": shop.token, "TELEGRAM_API_URL": telegram.base_url},
            stderr=PIPE,
        )
        try:
            await ann.says("/start", to=shop)
            outcome = await ann.pays(await ann.hears(shop, timeout_s=START_S), timeout_s=START_S)
            assert (outcome.status, ann.stars) == ("paid", 2)
            thanks = await ann.hears(shop, timeout_s=START_S)
            assert thanks.text == "Your coffee is ready. Thank you for 5 Stars!"
        finally:
            process.terminate()
            _, errors = await process.communicate()
        # In a container its database would go with it, and it says so.
        told = [line for line in errors.splitlines() if b"is a relative path in a container" not in line]
        assert told in ([], [b"Received SIGTERM signal"])
