"""The Python that the documentation shows is Python, and what it registers is accepted.

Each program of a page runs with the names that pages do not make, and no others. A block that awaits at its top level is
compiled only, since it shows a line of a handler; one that shows a test is run as one. mypy reads both next door.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import Bot, Dispatcher
from telethon import TelegramClient

from neonpay import create_neonpay
from tests.unit.docs.blocks import PAGES, Block, blocks, programs

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

PAGES_WITH_PYTHON = [page for page in PAGES if blocks("python", pages=[page])]
# Programs and suites that other tests run as they stand.
_ELSEWHERE = {
    "README.md",
    "README.ru.md",
    "docs/howto/deploy.md",
    "docs/howto/point-your-bot-here.md",
    "docs/howto/test-your-bot.md",
    "docs/howto/write-an-extension.md",
    "docs/tutorial/test-your-payments.md",
}
RUN = [page for page in PAGES_WITH_PYTHON if page not in _ELSEWHERE]
_TOKEN = "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_ENVIRONMENT = {
    "BOT_TOKEN": _TOKEN,
    "NEONPAY_ADMINS": "123456789",
    "WEBHOOK_SECRET": "s3cret-of-the-webhook",
    "API_ID": "1",
    "API_HASH": "0123456789abcdef",
}

pytestmark = pytest.mark.timeout(120)  # a page about the simulator loads the whole Bot API


def _compiled(block: Block) -> CodeType:
    tree = ast.parse(block.text, filename=block.page)
    ast.increment_lineno(tree, block.line - 1)
    return compile(tree, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _each_is_a_program_of_its_own(there: dict[str, Any]) -> None:
    """A page shows one bot in several ways, of which a program has one."""
    for shown in there.values():
        attributes = getattr(shown, "__dict__", None)
        if isinstance(attributes, dict):
            for name in [name for name in attributes if name.startswith("_neonpay_claim")]:
                del attributes[name]


def test_the_documentation_shows_python() -> None:
    assert len(PAGES_WITH_PYTHON) > 25


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON)
def test_every_block_of_a_page_is_python(page: str) -> None:
    assert all(_compiled(block) for block in blocks("python", pages=[page]))


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
@pytest.mark.parametrize("page", RUN)
async def test_what_a_page_shows_is_accepted(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)  # a page that names no database makes its own
    for variable, text in _ENVIRONMENT.items():
        monkeypatch.setenv(variable, text)
    bot, dispatcher = Bot(_TOKEN), Dispatcher()
    url = f"sqlite:///{tmp_path}/page.db"
    # Nothing asks Telegram anything here.
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=url, reconcile_every_s=None)
    given = {"bot": bot, "dispatcher": dispatcher, "neonpay": neonpay}
    ran = [await _run(program.blocks, given, tmp_path) for program in programs(page)]
    async with neonpay:  # refuses a handler that asks for what nobody can give
        tests = [shown for there in ran for word, shown in there.items() if word.startswith("test_")]
        await asyncio.gather(*(one(tmp_path) if inspect.signature(one).parameters else one() for one in tests))
    await bot.session.close()
    assert [record.getMessage() for record in caplog.records if "nobody" in record.getMessage()] == []
    for there in ran:
        if isinstance(there["bot"], TelegramClient):
            await there["bot"].disconnect()  # its session is an open file


async def _run(program: tuple[Block, ...], given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the program has made."""
    there: dict[str, Any] = {**given, "__name__": "page", "__file__": str(folder / "page.py")}
    for block in program:
        code = _compiled(block)
        if not code.co_flags & inspect.CO_COROUTINE:
            _each_is_a_program_of_its_own(there)
            exec(code, there)  # noqa: S102 - the page's own code is what is tested
    return there
