"""Make the pictures of the simulator's page in docs/_static again, from the page itself with a real bot behind it.

    PYTHONPATH=. .venv/bin/python tools/page_screenshots.py

Needs a Chromium. The bot is examples/aiogram_shop.py; virtual time begins at a fixed moment, so that only a
change of the page changes the pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import Page, async_playwright, expect

from neonpay.simulator import Simulator, SteppedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

    from neonpay.simulator import BotAccount

ROOT = Path(__file__).resolve().parents[1]
START = 1_773_489_600  # 14 March 2026, 12:00 UTC
DESKTOP = (1280, 800)
PHONE = (390, 780)


async def main() -> None:
    """Play the scenes and save the pictures."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--into", type=Path, default=ROOT / "docs" / "_static")
    reader.add_argument("--font", help="in place of the system's own, for machines that have none worth looking at")
    options = reader.parse_args()
    browser_path = next(
        path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        for scene in (checkout, beside, phone):
            async with Simulator(seed=3, clock=SteppedClock(START)) as telegram:
                shop = telegram.bot("corner_shop_bot")
                async with running(telegram, shop):
                    await telegram.until(partial(telegram.polling, shop), timeout_s=30, what="the shop to poll")
                    await scene(Studio(browser, telegram, options.into, options.font))
        await browser.close()


class Studio:
    """Opens pages on one simulator and takes their pictures."""

    def __init__(self, browser: Browser, telegram: Simulator, into: Path, font: str | None) -> None:
        self._browser = browser
        self._into = into
        self._font = font
        self.telegram = telegram

    async def page(self, size: tuple[int, int], *, dark: bool = False) -> Page:
        """Open the page."""
        context = await self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            has_touch=size == PHONE,
        )
        page = await context.new_page()
        await page.goto(self.telegram.base_url)
        if self._font:
            style = "font => document.documentElement.style.setProperty('--font-ui', font)"
            await page.evaluate(style, f'"{self._font}", system-ui, sans-serif')
        return page

    async def shoot(self, page: Page, name: str) -> None:
        """Save what is seen as ``name``."""
        await page.screenshot(path=self._into / name, animations="disabled", caret="hide")
        await page.context.close()


@asynccontextmanager
async def running(telegram: Simulator, shop: BotAccount) -> AsyncIterator[None]:
    """The example shop as a program of its own."""
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "examples" / "aiogram_shop.py"),
            cwd=folder,
            env={**os.environ, "BOT_TOKEN": shop.token, "TELEGRAM_API_URL": telegram.base_url, "PYTHONPATH": str(ROOT)},
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


async def orders(page: Page, name: str, what: str) -> None:
    """Start the bot and have it send an invoice."""
    chat = page.get_by_role("region", name=f"Chat of {name}")
    await expect(chat.locator(".start:visible, .keys:visible").first).to_be_visible()
    if await chat.locator(".start").is_visible():
        await chat.locator(".start").click()
    await chat.locator(".keys .btn", has_text=what).click()
    await expect(chat.locator(".ticket", has_text=what)).to_be_visible()


async def pays(page: Page, name: str, what: str) -> None:
    """Press Pay on the invoice and in the sheet."""
    chat = page.get_by_role("region", name=f"Chat of {name}")
    await chat.locator(".ticket", has_text=what).locator(".btn").click()
    await chat.locator("[data-k=confirm]").click()


async def checkout(studio: Studio) -> None:
    """A checkout that waits for a slow bot, after one that went well."""
    for name, stars in (("Anna Weber", 1250), ("Дмитрий Соколов", 90), ("Mei Tanaka", 12_400)):
        studio.telegram.user(name, stars=stars)
    page = await studio.page(DESKTOP)
    await orders(page, "Anna Weber", "Coffee")
    await pays(page, "Anna Weber", "Coffee")
    await expect(page.locator(".chat").get_by_text("Your coffee is ready")).to_be_visible()
    await studio.telegram.advance(86_400 * 3)
    studio.telegram.faults.slow("answerPreCheckoutQuery", delay_s=12)
    await orders(page, "Anna Weber", "Game")
    await pays(page, "Anna Weber", "Game")
    await expect(page.locator(".waiting")).to_be_visible()
    await studio.telegram.advance(3.6)
    await expect(page.locator(".waiting .sec")).to_contain_text("6.4")
    await studio.shoot(page, "page-checkout.png")


async def beside(studio: Studio) -> None:
    """Two buyers beside each other want the one poster there is."""
    for name, stars in (("Anna Weber", 1250), ("Mei Tanaka", 300)):
        studio.telegram.user(name, stars=stars)
    page = await studio.page(DESKTOP, dark=True)
    await page.get_by_role("button", name="Show Mei Tanaka beside").click()
    await orders(page, "Anna Weber", "Poster")
    await pays(page, "Anna Weber", "Poster")
    await expect(page.locator(".chat").get_by_text("The poster is yours")).to_be_visible()
    await orders(page, "Mei Tanaka", "Poster")
    await pays(page, "Mei Tanaka", "Poster")
    await expect(page.get_by_role("dialog", name="The bot declined")).to_be_visible()
    await studio.shoot(page, "page-two-buyers.png")


async def phone(studio: Studio) -> None:
    """The payment sheet at the width of a phone."""
    studio.telegram.user("Anna Weber", stars=1250)
    page = await studio.page(PHONE)
    await orders(page, "Anna Weber", "Game")
    await page.locator(".ticket .btn").click()
    await expect(page.get_by_role("dialog", name="Confirm the purchase")).to_be_visible()
    await studio.shoot(page, "page-phone.png")


if __name__ == "__main__":
    asyncio.run(main())
