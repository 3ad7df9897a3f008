"""The pages of a shop in a browser: nothing that axe finds, nothing to scroll sideways, no script needed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from neonpay.web import create_dashboard_app, serving
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import violations
from tests.integration.registry.conftest import place
from tests.integration.registry.distributions import install, install_loyalty

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from tests.browser.shop import Shop

    Visit = Callable[..., AbstractAsyncContextManager[Page]]

__all__ = ["place"]

_STICKS_OUT = """(all, right) => all.filter(one => one.checkVisibility() && one.getBoundingClientRect().right > right)
  .map(one => one.outerHTML.slice(0, 160))"""


@pytest_asyncio.fixture(loop_scope="session")
async def pages(shop: Shop, place: Path) -> AsyncIterator[str]:
    """The address of the pages of a shop that has an extension, and one that is broken."""
    install_loyalty(place)
    install(place, "neonpay-odd", {"odd": "nowhere:SPEC"})
    async with serving(create_dashboard_app(shop.neonpay, patience_s=60.0), port=0) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, pages: str) -> Visit:
    @asynccontextmanager
    async def visit(**options: object) -> AsyncIterator[Page]:
        context = await browser.new_context(java_script_enabled=False, **options)  # type: ignore[arg-type]
        page = await context.new_page()
        page.set_default_timeout(60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        await page.goto(pages + "bots")
        yield page
        await context.close()
        assert complaints == []
        assert [url for url in asked if not url.startswith(pages)] == []

    return visit


async def test_a_reader_without_scripts_goes_from_the_shop_to_an_extension_and_back(visit: Visit) -> None:
    async with visit(viewport=DESKTOP, locale="ru-RU") as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("Журнал отвечает, все циклы работают.")
        navigation = page.get_by_role("navigation", name="Страницы")
        await navigation.get_by_role("link", name="Баллы").click()
        await expect(page.get_by_role("main")).to_contain_text("Points of bot")
        await expect(navigation.get_by_role("link", name="Баллы")).to_have_attribute("aria-current", "page")
        await navigation.get_by_role("link", name="Боты").click()
        await expect(page.get_by_role("heading", name="Расширения")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing(browser: Browser, pages: str, size: dict[str, int], *, dark: bool) -> None:
    context = await browser.new_context(viewport=size, color_scheme="dark" if dark else "light")  # type: ignore[arg-type]
    page = await context.new_page()
    for path in ("", "bots", "loyalty/", "nothing"):
        await page.goto(pages + path)
        assert await violations(page, dark=dark) == [], path
    await context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 769, 1440, 2560])
async def test_nothing_is_wider_than_the_window(visit: Visit, width: int) -> None:
    for language in ("en-GB", "ru-RU"):
        async with visit(viewport={"width": width, "height": 800}, locale=language) as page:
            box = await page.locator("html").bounding_box()
            assert box is not None
            assert box["width"] <= width
            assert await page.locator("body *").evaluate_all(_STICKS_OUT, width + 1) == []
