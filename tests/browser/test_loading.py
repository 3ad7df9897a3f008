"""A page that takes its time shows where its words will stand, and says that it loads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from neonpay.cli.demo.lively import live
from neonpay.web import create_dashboard_app, serving
from tests.browser.conftest import DESKTOP
from tests.browser.test_dashboard import UNTIL, reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Route

pytestmark = pytest.mark.timeout(120)

_TELL_WHEN_BUSY = """() => {
  const main = document.querySelector("main");
  new MutationObserver(() => {
    const busy = main.getAttribute("aria-busy");
    const look = getComputedStyle(document.querySelector("main h1")).animationName;
    if (busy) tell([busy, document.querySelector("[data-loading]").textContent, look]);
  }).observe(main, { attributes: true });
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def dashboard() -> AsyncIterator[str]:
    async with (
        live("memory:", until=UNTIL, days=1, orders_a_day=3) as history,
        serving(create_dashboard_app(history.neonpay, specs=[], patience_s=60.0), port=0) as url,
    ):
        yield url.rstrip("/")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_slow_page_shows_ghosts_until_it_is_there(browser: Browser, dashboard: str) -> None:
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    told: asyncio.Queue[list[str]] = asyncio.Queue()
    async with reader(browser, dashboard, width=DESKTOP["width"], language="en-GB") as page:
        await page.expose_function("tell", told.put_nowait)
        await page.goto(f"{dashboard}/payments")
        # A page that is being left answers no questions, so it tells by itself.
        await page.evaluate(_TELL_WHEN_BUSY)
        await page.route("**/revenue*", hold)
        await page.click('nav a[href^="/revenue"]', no_wait_after=True)
        assert await asyncio.wait_for(told.get(), 100) == ["true", "Loading", "breathe"]
        may_come.set()
        await page.wait_for_url("**/revenue*")
        assert await page.get_attribute("main", "aria-busy") is None
