"""Where an owner looks things up, in a browser: nothing that axe finds, nothing to scroll sideways, no script needed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from neonpay import PaymentStage
from neonpay.web import create_dashboard_app, serving
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import violations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from neonpay.simulator import Buyer
    from tests.browser.shop import Shop

PATHS = (
    "payments",
    "payments?tab=declined",
    "{payment}",
    "{payment}/refund",
    "refunds",
    "customers",
    "{customer}",
    "live",
    "bots",
)
NAMES = ("Anna", "Анна-Мария Константинопольская", "Wolfeschlegelsteinhausenbergerdorff")


class Pages:
    """A shop that has sold a little, and its dashboard.

    Attributes:
        paths: of the pages, filled in.
    """

    def __init__(self, shop: Shop, url: str) -> None:
        self.shop = shop
        self.url = url
        self.paths: dict[str, str] = {}

    async def sells(self, buyer: Buyer, stage_id: str = "book") -> str:
        await self.shop.neonpay.send_payment(buyer.id, stage_id)
        outcome = await buyer.pays(await buyer.hears(self.shop.account, predicate=lambda m: m.invoice is not None))
        await self.shop.telegram.idle(self.shop.account)
        await self.shop.neonpay.program.drain()
        return outcome.charge_id or ""


@pytest_asyncio.fixture(loop_scope="session")
async def pages(shop: Shop) -> AsyncIterator[Pages]:
    shop.neonpay.create_payment_stage("exam", PaymentStage(title="Exam rehearsal", description="An hour.", price=400))

    @shop.neonpay.on_payment(stage="exam", name="grant_exam", max_attempts=1)
    async def fail() -> None:
        raise RuntimeError("503 Service Unavailable")

    async with serving(create_dashboard_app(shop.neonpay, patience_s=60.0), port=0) as url:
        pages = Pages(shop, url)
        charges = []
        for name in NAMES:
            buyer = shop.telegram.user(name, stars=2000)
            await buyer.says("/start", to=shop.account)
            charges += [await pages.sells(buyer), await pages.sells(buyer, "exam")]
        await shop.neonpay.refund(charges[0], reason="Bought twice")
        await shop.neonpay.refunds.request(charges[4], user_id=buyer.id, words="The link is dead, and I have paid.")
        shop.refuses = "Sold out."
        await pages.sells(buyer)
        shop.refuses = None
        await shop.neonpay.program.pipeline.people.write()
        bot_id = shop.neonpay.program.adapter.bot_id
        filled = {"payment": f"payments/{bot_id}/{charges[3]}", "customer": f"customers/{bot_id}/{buyer.id}"}
        pages.paths = {path: path.format(**filled) for path in PATHS}
        yield pages


async def photograph(page: Page, name: str) -> None:
    """Keep a picture where somebody has asked for them, to hold beside the drawings."""
    folder = os.environ.get("NEONPAY_TEST_PICTURES")
    if folder:
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing(browser: Browser, pages: Pages, size: dict[str, int], *, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    context = await browser.new_context(viewport=size, color_scheme=scheme, locale="ru-RU" if dark else "en-GB")  # type: ignore[arg-type]
    page = await context.new_page()
    for name, path in pages.paths.items():
        await page.goto(pages.url + path)
        assert await violations(page, dark=dark) == [], path
        kept = "".join(letter if letter.isalnum() else "-" for letter in name.strip("{}"))
        await photograph(page, f"{kept}-{scheme}-{size['width']}")
    await context.close()


@pytest.mark.parametrize("language", ["en-GB", "ru-RU"])
async def test_nothing_is_wider_than_the_window(browser: Browser, pages: Pages, language: str) -> None:
    context = await browser.new_context(locale=language)
    page = await context.new_page()
    for path in pages.paths.values():
        await page.goto(pages.url + path)
        for width in (320, 390, 768, 769, 1000, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width)
    await context.close()


async def test_without_scripts_a_refund_is_asked_about_with_the_safe_answer_in_focus_and_made(
    browser: Browser, pages: Pages
) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport=DESKTOP)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(pages.url + pages.paths["{payment}"])
    await page.get_by_role("link", name="Refund 400 Stars").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Refund 400 Stars")
    await expect(page.get_by_role("link", name="Keep the payment")).to_be_focused()
    await page.get_by_role("button", name="Refund").click()
    await expect(page.locator(".told")).to_contain_text("400 Stars")
    await expect(page.locator(".why")).to_contain_text("Nothing is owed.")
    await context.close()


async def test_live_events_follow_stand_still_while_they_are_read_and_go_on(browser: Browser, pages: Pages) -> None:
    context = await browser.new_context(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    await page.goto(pages.url + "live")
    rows = page.locator("[data-rows] tr")
    before = await rows.count()
    pause = page.get_by_role("button", name="Pause")
    await expect(page.locator("[data-says]")).to_have_text("Follows.")
    await pause.click()
    await expect(pause).to_have_attribute("aria-pressed", "true")
    buyer = pages.shop.telegram.user("Late", stars=500)
    await buyer.says("/start", to=pages.shop.account)
    await pages.sells(buyer)
    await expect(page.locator("[data-says]")).to_contain_text("New events that wait")
    assert await rows.count() == before
    await pause.click()
    await expect(rows.first).to_contain_text("Phrasebook")
    assert await rows.count() > before
    await context.close()
    assert complaints == []


_HIDE = """is => {
  Object.defineProperty(document, "hidden", { value: is, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""What a browser does to the page of a tab that is left or looked at; without a window all tabs are seen."""


async def test_tabs_that_nobody_sees_keep_no_connection_and_go_on_where_they_were(
    browser: Browser, pages: Pages
) -> None:
    context = await browser.new_context(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]
    tabs: list[Page] = []
    for _ in range(20):
        tabs.append(await context.new_page())
        await tabs[-1].goto(pages.url + "live")
        await expect(tabs[-1].locator("[data-says]")).to_have_text("Follows.")
        await tabs[-1].evaluate(_HIDE, True)  # the argument of the script
    buyer = pages.shop.telegram.user("Late", stars=5_000)
    await buyer.says("/start", to=pages.shop.account)
    first = tabs[0].locator("[data-rows] tr")
    before = await first.count()
    await pages.sells(buyer)
    await pages.sells(buyer)
    assert await first.count() == before
    await tabs[0].evaluate(_HIDE, False)
    newest = tabs[1].locator("[data-rows] tr")
    await tabs[1].reload()
    await expect(first.first).to_have_attribute("data-id", str(await newest.first.get_attribute("data-id")))
    expected = await newest.evaluate_all("all => all.map(one => one.dataset.id)")
    shown = await first.evaluate_all("all => all.map(one => one.dataset.id)")
    assert shown[: len(expected)] == expected
    await context.close()


async def test_keys_go_to_pages_in_a_russian_layout_too_and_arrows_go_from_row_to_row(
    browser: Browser, pages: Pages
) -> None:
    context = await browser.new_context(viewport=DESKTOP, locale="ru-RU")  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(pages.url)
    await page.evaluate(
        """() => [["п", "KeyG"], ["з", "KeyP"]].forEach(([key, code]) =>
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true })))"""
    )
    await page.wait_for_url(pages.url + "payments")
    rows = page.locator(".table.act .go")
    assert await rows.count() > 2
    await page.keyboard.press("j")
    await expect(rows.nth(0)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(2)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/payments/\d+/"))
    await context.close()
