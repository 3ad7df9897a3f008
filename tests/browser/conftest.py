"""A real Chromium that looks at the page of a simulator in which a real bot sells through neonpay.

One browser per process, one context per test. Everything runs in one event loop, so that the browser can be shared. Without a
browser these tests fail: ``apt-get install chromium``, or name one in NEONPAY_TEST_BROWSER.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from neonpay.simulator import BotAccount, Simulator
from tests.browser.shop import Shop

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
expect.set_options(timeout=60_000)

Look = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _is_complaint(said: ConsoleMessage) -> bool:
    # A simulator that was stopped on purpose cannot be reached, which every browser remarks on.
    return said.type in {"error", "warning"} and "net::ERR_" not in said.text


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    named = os.environ.get("NEONPAY_TEST_BROWSER")
    found = named or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert found is not None, "no browser: apt-get install chromium, or name one in NEONPAY_TEST_BROWSER"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def telegram() -> AsyncIterator[Simulator]:
    """Its time stands still unless it is moved, so that nothing here depends on how slow the machine is."""
    async with Simulator(seed=5) as simulator:
        yield simulator


@pytest.fixture
def account(telegram: Simulator) -> BotAccount:
    return telegram.bot("lumen_lessons_bot")


@pytest_asyncio.fixture(loop_scope="session")
async def shop(telegram: Simulator, account: BotAccount, tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(telegram, account, f"sqlite:///{tmp_path}/shop.db") as shop:
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def look(browser: Browser, telegram: Simulator) -> AsyncIterator[Look]:
    """Open the page, as wide and as lit as a test wants; whatever its scripts complain of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def open_page(*, path: str = "/", phone: bool = False, dark: bool = False, language: str = "en-GB") -> Page:
        context = await browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale=language,
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(telegram.base_url + path)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert complaints == []
