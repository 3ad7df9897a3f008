"""The Python that the documentation shows is Python, and what it registers is accepted.

Blocks of a page run one after the other in one namespace, with neonpay's names, ``bot``, ``dispatcher`` and ``neonpay`` there.
A block that awaits at its top level is compiled only, since it shows a line of a handler; one that shows a test is run as one.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from telethon import TelegramClient

import neonpay as package
from neonpay import create_neonpay

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts
)
PAGES_WITH_PYTHON = [name for name in PAGES if "```python" in (ROOT / name).read_text(encoding="utf-8")]
# Fixtures of the suite's own, and pages that tests/integration runs as they stand.
_ELSEWHERE = {
    "docs/howto/point-your-bot-here.md",
    "docs/howto/test-your-bot.md",
    "docs/howto/write-an-extension.md",
    "docs/tutorial/test-your-payments.md",
}
RUN = [name for name in PAGES_WITH_PYTHON if name not in _ELSEWHERE]

_ENVIRONMENT = {
    "BOT_TOKEN": "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "WEBHOOK_SECRET": "s3cret-of-the-webhook",
    "API_ID": "1",
    "API_HASH": "0123456789abcdef",
}

pytestmark = pytest.mark.timeout(120)  # a page about the simulator loads the whole Bot API


def _blocks(name: str) -> list[CodeType]:
    """The blocks of a page, each with the line of the page that it begins on."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        tree = ast.parse(match.group(1), filename=name)
        ast.increment_lineno(tree, text.count("\n", 0, match.start(1)))
        found.append(compile(tree, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True))
    return found


def _each_is_a_program_of_its_own(there: dict[str, Any]) -> None:
    """A page shows one bot in several ways, of which a program has one."""
    for shown in there.values():
        attributes = getattr(shown, "__dict__", None)
        if isinstance(attributes, dict):
            attributes.pop("_neonpay_claim", None)


def test_the_documentation_shows_python() -> None:
    assert len(PAGES_WITH_PYTHON) >= 5


@pytest.mark.parametrize("name", PAGES_WITH_PYTHON)
def test_every_block_of_a_page_is_python(name: str) -> None:
    assert all(_blocks(name))


@pytest.fixture
def logging_stays() -> Iterator[None]:
    """What a page sets for the log of a program is not set for the tests after it."""
    root, ours = logging.getLogger(), logging.getLogger("neonpay")
    before = (root.level, list(root.handlers), ours.level)
    yield
    root.handlers[:] = before[1]
    root.setLevel(before[0])
    ours.setLevel(before[2])


@pytest.mark.usefixtures("logging_stays")
@pytest.mark.parametrize("name", RUN)
async def test_what_a_page_shows_is_accepted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a page that names no database makes its own
    for variable, text in _ENVIRONMENT.items():
        monkeypatch.setenv(variable, text)
    bot, dispatcher = Bot("42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Dispatcher()
    url = f"sqlite:///{tmp_path}/page.db"
    # Nothing asks Telegram anything here.
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=url, reconcile_every_s=None)
    there: dict[str, Any] = {name: getattr(package, name) for name in package.__all__}
    there |= {"bot": bot, "dispatcher": dispatcher, "neonpay": neonpay}
    there |= {"__name__": "page", "__file__": str(tmp_path / "page.py")}
    for block in _blocks(name):
        if not block.co_flags & inspect.CO_COROUTINE:
            _each_is_a_program_of_its_own(there)
            exec(block, there)  # noqa: S102 - the page's own code is what is tested
    async with neonpay:  # refuses a handler that asks for what nobody can give
        tests = [shown for word, shown in there.items() if word.startswith("test_")]
        await asyncio.gather(*(one(tmp_path) if inspect.signature(one).parameters else one() for one in tests))
    await bot.session.close()
    if isinstance(there["bot"], TelegramClient):
        await there["bot"].disconnect()  # its session is an open file
