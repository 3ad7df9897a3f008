"""axe finds nothing: in both themes, on a screen and on a phone, in every state that a purchase goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page

    from neonpay.simulator import BotAccount, Simulator
    from tests.browser.conftest import Look
    from tests.browser.shop import Shop

AXE = Axe()
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
EVERYTHING = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""All that a theme can change."""


async def violations(page: Page, *, dark: bool = False) -> list[str]:
    """What is wrong, with the elements that it is wrong with; in the dark only what the light cannot have shown already."""
    rules = COLOURS if dark else EVERYTHING
    found = await AXE.run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


@THEMES
async def test_a_purchase_from_the_first_look_to_the_receipt(
    look: Look, telegram: Simulator, shop: Shop, *, dark: bool
) -> None:
    telegram.user("Ann", stars=600)
    telegram.user("Ben", stars=10)
    page = await look(dark=dark)
    chat = page.get_by_role("region", name="Chat of Ann")
    await expect(chat.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    assert await violations(page, dark=dark) == []
    await chat.locator(".start").click()
    await chat.locator(".keys .btn").first.click()
    await chat.locator(".ticket .btn").click()
    await expect(chat.get_by_role("dialog", name="Confirm the purchase")).to_be_visible()
    assert await violations(page, dark=dark) == []
    shop.may_answer.clear()
    await chat.locator("[data-k=confirm]").click()
    await expect(page.locator(".waiting")).to_be_visible()
    await telegram.advance(8)  # the ring is late
    await expect(chat.locator(".ring.late")).to_be_visible()
    assert await violations(page, dark=dark) == []
    shop.refuses = "Sold out."
    shop.may_answer.set()
    await expect(chat.get_by_role("dialog", name="The bot declined")).to_be_visible()
    assert await violations(page, dark=dark) == []
    await page.keyboard.press("Escape")
    shop.refuses = None
    await chat.locator(".ticket .btn").click()
    await chat.locator("[data-k=confirm]").click()
    await expect(chat.get_by_text("Thank you. It is yours.")).to_be_visible()
    await page.locator(".hop summary").last.click()
    await page.get_by_role("button", name="Show Ben beside").click()
    assert await violations(page, dark=dark) == []


@THEMES
async def test_the_panels_menus_and_dialogs(look: Look, telegram: Simulator, shop: Shop, *, dark: bool) -> None:
    ann = telegram.user("Ann", stars=600)
    await ann.says("/picture", to=shop.account)
    page = await look(dark=dark)
    chat = page.get_by_role("region", name="Chat of Ann")
    await expect(chat.get_by_role("button", name="Large")).to_be_visible()
    await chat.get_by_role("button", name="Commands and links").click()
    telegram.faults.fail("getMe")
    await page.get_by_role("tab", name="Faults").click()
    await page.get_by_role("switch", name="Twice").check()
    await expect(page.locator(".armed").first).to_be_visible()
    assert await violations(page, dark=dark) == []
    await page.get_by_role("button", name="Add a buyer").click()
    assert await violations(page, dark=dark) == []


@THEMES
async def test_every_part_on_a_phone(look: Look, telegram: Simulator, shop: Shop, *, dark: bool) -> None:
    ann = telegram.user("Ann", stars=600)
    telegram.user("Ben")
    await ann.says("/buy", to=shop.account)
    page = await look(phone=True, dark=dark, language="ru-RU")
    await expect(page.locator(".ticket")).to_be_visible()
    for tab in ("chat", "wire", "faults", "time", "buyers"):
        await page.locator(f"[data-go={tab}]").tap()
        assert await violations(page, dark=dark) == [], tab


@THEMES
async def test_nobody_and_nothing(look: Look, telegram: Simulator, account: BotAccount, *, dark: bool) -> None:
    page = await look(dark=dark)
    await expect(page.get_by_text("Nobody is here yet.")).to_be_visible()
    assert await violations(page, dark=dark) == []
