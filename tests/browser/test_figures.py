"""The pages with figures in a browser: nothing that axe finds, nothing to scroll sideways, charts that are read by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from neonpay.web import create_dashboard_app, serving
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import violations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from neonpay.simulator import BotAccount, Simulator
    from tests.browser.shop import Shop

PAGES = ("", "revenue?split=stage", "subscriptions", "reconciliation", "products", "funnel")


@pytest_asyncio.fixture(loop_scope="session")
async def pages(shop: Shop, telegram: Simulator, account: BotAccount) -> AsyncIterator[str]:
    """The address of the pages of a shop that has sold two things and a subscription, and gave one back."""
    ann = telegram.user("Ann", stars=2000)
    await ann.says("/start", to=account)
    for stage in ("lessons", "book"):
        await shop.neonpay.send_payment(ann.id, stage)
        outcome = await ann.pays(await ann.hears(account, predicate=lambda message: message.invoice is not None))
    await telegram.idle(account)
    await shop.neonpay.program.drain()
    await shop.neonpay.refund(outcome.charge_id or "")
    link = await shop.neonpay.create_payment_link("lessons", user_id=ann.id, options={"subscription_period": 2_592_000})
    await ann.pays(link.link or "")
    await telegram.idle(account)
    await shop.neonpay.program.drain()
    async with serving(create_dashboard_app(shop.neonpay, patience_s=60.0), port=0) as url:
        yield url


async def opened(browser: Browser, **options: object) -> tuple[Page, list[str]]:
    context = await browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_on_any_page(browser: Browser, pages: str, size: dict[str, int], *, dark: bool) -> None:
    page, complaints = await opened(browser, viewport=size, color_scheme="dark" if dark else "light")
    for path in PAGES:
        await page.goto(pages + path)
        assert await violations(page, dark=dark) == [], path
    await page.context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [320, 768, 1024, 2560])
async def test_no_page_is_wider_than_the_window(browser: Browser, pages: str, width: int) -> None:
    for language in ("en-GB", "ru-RU"):
        page, complaints = await opened(browser, viewport={"width": width, "height": 800}, locale=language)
        for path in PAGES:
            await page.goto(pages + path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, language)
        await page.context.close()
        assert complaints == []


async def test_a_chart_is_read_by_the_arrow_keys_and_goes_back_to_its_sum(browser: Browser, pages: str) -> None:
    page, complaints = await opened(browser, viewport=DESKTOP, locale="en-GB")
    await page.goto(pages)
    chart = page.locator(".plot[data-chart]")
    reading, said = page.locator("[data-reading]"), page.locator("[data-said]")
    whole = await reading.inner_text()
    await chart.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(reading).to_contain_text("so far")
    await expect(said).to_contain_text("one-off")
    await expect(chart.locator(".on")).to_have_count(1)
    await page.keyboard.press("Home")
    await expect(reading).to_contain_text("0 one-off, 0 subscriptions")
    await page.keyboard.press("Escape")
    assert await reading.inner_text() == whole
    box = await chart.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 20)
    await expect(reading).to_contain_text("so far")
    await page.mouse.move(2, 2)
    assert await reading.inner_text() == whole
    await page.context.close()
    assert complaints == []


async def test_without_scripts_the_figures_stand_in_a_table(browser: Browser, pages: str) -> None:
    page, complaints = await opened(browser, viewport=PHONE, java_script_enabled=False)
    await page.goto(pages)
    await page.get_by_text("Show as a table").click()
    await expect(page.get_by_role("table", name="Net revenue by day")).to_be_visible()
    await page.context.close()
    assert complaints == []
