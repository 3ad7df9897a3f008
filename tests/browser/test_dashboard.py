"""The door and the frame of the dashboard in a browser: keys, theme, choices, with and without scripts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from neonpay.web import create_dashboard_app, serving
from neonpay.web.access.accounts import keep_account
from neonpay.web.access.passwords import hashed
from neonpay.web.access.roles import Role
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import violations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from playwright.async_api import Browser, Page

    from tests.browser.shop import Shop

    Visit = Callable[..., AbstractAsyncContextManager[Page]]

PASSWORD = "seven ducks on a wall"
HASH = hashed(PASSWORD)


@pytest_asyncio.fixture(loop_scope="session")
async def dashboard(shop: Shop) -> AsyncIterator[str]:
    """The address of a dashboard that asks for a password."""
    async with serving(create_dashboard_app(shop.neonpay), port=0) as url:
        await shop.neonpay.pipeline.ledger.run(keep_account, "ann", Role.OWNER, 1, HASH)
        yield url


@pytest.fixture
def visit(browser: Browser, dashboard: str) -> Visit:
    @asynccontextmanager
    async def visit(path: str = "", *, signed_in: bool = True, **options: object) -> AsyncIterator[Page]:
        context = await browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})  # type: ignore[arg-type]
        page = await context.new_page()
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{dashboard}login")
        if signed_in:
            await page.fill("#password", PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page.locator("#main")).to_be_visible()
        await page.goto(f"{dashboard}{path}")
        yield page
        await context.close()
        assert complaints == []
        assert [url for url in asked if not url.startswith(dashboard)] == []

    return visit


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_somebody_signs_in_after_a_wrong_password_and_out(visit: Visit, *, scripts: bool) -> None:
    async with visit(signed_in=False, java_script_enabled=scripts) as page:
        await page.fill("#password", "a guess")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text("Wrong password. 4 tries left in this minute.")
        await expect(page.locator("#password")).to_be_focused()
        await page.fill("#password", PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("#main")).to_be_visible()
        assert page.url.count("/") == 3
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.locator("#password")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing(visit: Visit, size: dict[str, int], *, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    async with visit("login", signed_in=False, viewport=size, color_scheme=scheme) as page:
        assert await violations(page, dark=dark) == []
        await page.fill("#password", "a guess")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        assert await violations(page, dark=dark) == []
    async with visit(viewport=size, color_scheme=scheme, locale="ru-RU") as page:
        for path in ("settings", "audit", "enter/nothing"):
            await page.goto(str(await page.evaluate("location.origin")) + f"/{path}")
            assert await violations(page, dark=dark) == [], path


async def test_the_theme_that_was_chosen_is_there_before_the_first_paint(visit: Visit) -> None:
    async with visit("settings", color_scheme="light") as page:
        html = page.locator("html")
        await page.keyboard.press("t")
        await expect(html).to_have_attribute("data-theme", "dark")
        await page.reload(wait_until="commit")
        await expect(html).to_have_attribute("data-theme", "dark")
        await expect(page.locator("[data-theme-toggle]").first).to_have_attribute("aria-pressed", "true")
        await page.select_option("#theme", "")
        assert await html.get_attribute("data-theme") is None


async def test_keys_go_to_pages_search_and_list_themselves(visit: Visit) -> None:
    async with visit("settings") as page:
        await page.keyboard.press("g")
        await page.keyboard.press("p")
        await page.wait_for_url("**/payments*")
        await page.keyboard.press("/")
        await expect(page.locator("[data-search]")).to_be_focused()
        await page.keyboard.type("gop?t/")
        await expect(page.locator("[data-search]")).to_have_value("gop?t/")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/payments?q=gop*")
        await page.keyboard.press("?")
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        await expect(dialog.get_by_role("button", name="Close")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()


async def test_keys_that_were_switched_off_do_nothing(visit: Visit) -> None:
    async with visit("settings") as page:
        await page.get_by_role("checkbox").uncheck()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_have_text("Saved.")
        await page.keyboard.press("t")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        assert await page.locator("html").get_attribute("data-theme") is None


async def test_a_period_is_chosen_at_once_with_scripts_and_by_a_button_without(visit: Visit) -> None:
    async with visit("payments") as page:
        await expect(page.get_by_role("button", name="Show", exact=True)).to_be_hidden()
        await page.select_option("select[name=period]", "7d")
        await page.wait_for_url("**period=7d*")
        await expect(page.locator("select[name=period]")).to_have_value("7d")
    async with visit("payments", java_script_enabled=False) as page:
        await page.select_option("select[name=period]", "90d")
        await page.locator("form.end").get_by_role("button", name="Show").click()
        await page.wait_for_url("**period=90d*")


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 2560])
async def test_nothing_is_wider_than_the_window(visit: Visit, width: int) -> None:
    for language in ("en-GB", "ru-RU"):
        async with visit("settings", viewport={"width": width, "height": 800}, locale=language) as page:
            for path in ("settings", "audit", "login"):
                await page.goto(str(await page.evaluate("location.origin")) + f"/{path}")
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, language)
