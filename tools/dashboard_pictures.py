"""Make the pictures of the dashboard in docs/_static again, from the pages themselves on a ledger that the simulator has lived.

    PYTHONPATH=. .venv/bin/python tools/dashboard_pictures.py

Needs a Chromium. One seed and one end give one ledger, so that only a change of the pages changes the pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from neonpay.cli.demo.lively import live
from neonpay.web import create_dashboard_app, serving
from neonpay.web.navigation import PAGES

if TYPE_CHECKING:
    from playwright.async_api import Browser

ROOT = Path(__file__).resolve().parents[1]
UNTIL = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
DESKTOP = (1280, 800)
PHONE = (390, 780)
SHOWN = (
    ("overview", "/", DESKTOP, "light"),
    ("overview-phone", "/", PHONE, "dark"),
    ("payments", "/payments", DESKTOP, "light"),
)
"""What the documentation shows: the name of the picture, the page, the window and the theme."""


async def main() -> None:
    """Live the history, open the pages and save the pictures."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--into", type=Path, default=ROOT / "docs" / "_static")
    reader.add_argument(
        "--every-page", action="store_true", help="all pages in both languages, themes and widths, whole"
    )
    reader.add_argument("--days", type=int, default=90)
    options = reader.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    browser_path = next((path for name in names if (path := shutil.which(name))), None)
    async with (
        live("memory:?keep=nothing", until=UNTIL, days=options.days) as history,
        serving(create_dashboard_app(history.neonpay, specs=[], is_sample=True), port=0) as url,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        if not options.every_page:
            for name, path, size, theme in SHOWN:
                await take(browser, url, path, options.into / f"dashboard-{name}.png", size=size, theme=theme)
        else:
            paths = {row.name: row.path for row in PAGES}
            paths["payment"] = await first_payment(browser, url)
            for name, path in paths.items():
                for width, size in (("desktop", (1440, 900)), ("phone", (390, 844))):
                    for theme, language in (("light", "en-GB"), ("dark", "en-GB"), ("light", "ru-RU")):
                        file = options.into / f"{name}-{width}-{theme}-{language[:2]}.png"
                        await take(browser, url, path, file, size=size, theme=theme, language=language, whole=True)
        await browser.close()


async def first_payment(browser: Browser, url: str) -> str:
    """The page of the newest payment."""
    page = await browser.new_page()
    await page.goto(f"{url.rstrip('/')}/payments")
    href = await page.locator("main a[href*='/payments/']").first.get_attribute("href")
    await page.close()
    assert href is not None, "somebody has paid"
    return href


async def take(
    browser: Browser,
    url: str,
    path: str,
    file: Path,
    *,
    size: tuple[int, int],
    theme: str,
    language: str = "en-GB",
    whole: bool = False,
) -> None:
    """Save one picture."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        locale=language,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.goto(url.rstrip("/") + path)
    await page.screenshot(path=file, full_page=whole)
    await context.close()


if __name__ == "__main__":
    asyncio.run(main())
