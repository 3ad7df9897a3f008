"""Every page of the dashboard, and every page of a kind that it links to, on the ledger of a lively shop.

What is looked at follows from ``PAGES``: a page that is added there is walked here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
import pytest_asyncio

from neonpay.cli.demo.lively import live
from neonpay.web import create_dashboard_app, serving
from neonpay.web.navigation import PAGES
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import violations

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.timeout(300)

UNTIL: Final = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
WIDTHS: Final = (320, 390, 768, 1440, 2560)
LANGUAGES: Final = ("en-GB", "ru-RU")
EACH_PAGE: Final = pytest.mark.parametrize("path", [row.path for row in PAGES])
_OWN_PAGE: Final = re.compile(r"/(\d+|[0-9A-Za-z_%-]{20,}=*)(?=/|$)")
_TOO_WIDE: Final = """async () => {
  for (let frames = 0; frames < 30 && document.documentElement.scrollWidth > innerWidth; frames++) {
    await new Promise(requestAnimationFrame);  // a window that has just been resized is drawn anew
  }
  const apart = "svg, pre, .sr, .skip, details:not([open])";
  const sticksOut = (one) => !one.closest(apart) && one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1;
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.querySelectorAll("body *")].filter(sticksOut).slice(0, 3).map((one) => one.outerHTML.slice(0, 160));
}"""
"""What sticks out of a window that would have to be scrolled sideways."""
_STOP: Final = """async () => {
  const one = document.activeElement;
  for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);  // it has been scrolled to
  if (one === document.body) return null;
  const box = one.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + Math.min(box.width / 2, 20), box.top + box.height / 2);
  const isSeen = at !== null && (one.contains(at) || at.contains(one) || [...(one.labels ?? [])].some((of) => of.contains(at)));
  return isSeen ? "" : one.outerHTML.slice(0, 160);
}"""
"""What the keyboard is at: None at the end of the page, "" when it is seen, else what lies under something or outside."""
_SCROLLS: Final = """() => {
  const may = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX);
  const scrolls = (one) => one.scrollWidth > one.clientWidth + 1 && may(one);
  const all = [...document.querySelectorAll("main table, main div")];
  return all.filter((one) => one.checkVisibility() && scrolls(one)).map((one) => one.outerHTML.slice(0, 160));
}"""
"""What is to be scrolled sideways inside of a page."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dashboard() -> AsyncIterator[str]:
    """The address of the dashboard of a shop that has sold for some weeks."""
    async with (
        live("memory:", until=UNTIL, days=34, orders_a_day=7) as history,
        serving(create_dashboard_app(history.neonpay, specs=[], is_sample=True, patience_s=60.0), port=0) as url,
    ):
        yield url.rstrip("/")


@asynccontextmanager
async def reader(browser: Browser, url: str, *, width: int, language: str, dark: bool = False) -> AsyncIterator[Page]:
    """A page of a browser; what its scripts complain of, and a request to another place, fail the test."""
    height = (PHONE if width < DESKTOP["width"] else DESKTOP)["height"]
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(f"{page.url}: {said.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("request", lambda one: complaints.append(one.url) if not one.url.startswith(url) else None)
    yield page
    await context.close()
    assert complaints == []


async def kinds_below(page: Page, url: str, path: str) -> list[str]:
    """The page at ``path``, and one of each further kind that it links to in its middle and that is no page of the menu."""
    answer = await page.goto(url + path)
    assert answer is not None
    assert answer.status == 200, path
    found = {_kind(path): path}
    in_menu = {_kind(row.path) for row in PAGES}
    for href in await page.locator("main a[href]").evaluate_all("all => all.map(one => one.getAttribute('href'))"):
        target = urldefrag(urljoin(url + path, href)).url
        kind = _kind(target.removeprefix(url))
        if target.startswith(url) and kind not in in_menu and "." not in kind.rsplit("/", 1)[-1]:
            found.setdefault(kind, target.removeprefix(url))
    return list(found.values())


def _kind(path: str) -> str:
    parts = urlsplit(path)
    return _OWN_PAGE.sub("/ID", parts.path)


@EACH_PAGE
@pytest.mark.parametrize("dark", [False, True], ids=["desktop-light", "phone-dark"])
async def test_axe_finds_nothing_and_no_script_complains(
    browser: Browser, dashboard: str, path: str, *, dark: bool
) -> None:
    # Contrast hangs on the light and not on the width, and what is cut off on the width and not on the light: two of the eight
    # combinations of width, light and language have all of each.
    width, language = (PHONE if dark else DESKTOP)["width"], LANGUAGES[dark]
    async with reader(browser, dashboard, width=width, language=language, dark=dark) as page:
        for one in await kinds_below(page, dashboard, path):
            answer = await page.goto(dashboard + one)
            assert answer is not None
            assert answer.status == 200, one
            assert await violations(page, dark=dark) == [], one


@EACH_PAGE
async def test_nothing_is_wider_than_the_window(browser: Browser, dashboard: str, path: str) -> None:
    wide: dict[tuple[str, str, int], list[str]] = {}
    for language in LANGUAGES:
        async with reader(browser, dashboard, width=1440, language=language) as page:
            for one in await kinds_below(page, dashboard, path):
                await page.goto(dashboard + one)
                for width in WIDTHS:
                    await page.set_viewport_size({"width": width, "height": 844})
                    if found := await page.evaluate(_TOO_WIDE):
                        wide[one, language, width] = found
    assert wide == {}


@EACH_PAGE
async def test_each_page_opens_with_one_sentence_says_that_it_is_a_sample_and_speaks_the_language(
    browser: Browser, dashboard: str, path: str
) -> None:
    sentences: list[str] = []
    for language, sample in zip(LANGUAGES, ("Sample data", "Пример данных"), strict=True):
        async with reader(browser, dashboard, width=1440, language=language) as page:
            await page.goto(dashboard + path)
            (sentence,) = await page.get_by_role("heading", level=1).all_inner_texts()
            sentences.append(sentence)
            assert sentence.strip() != ""
            assert await page.get_by_text(sample).first.is_visible()
            assert await page.locator("html").get_attribute("lang") == language[:2]
    assert sentences[0] != sentences[1]


@pytest.mark.parametrize("path", ["/subscriptions", "/revenue?split=stage", "/revenue?split=language"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_on_a_phone_a_table_of_figures_is_a_list_of_two_lines(
    browser: Browser, dashboard: str, path: str, language: str
) -> None:
    async with reader(browser, dashboard, width=360, language=language) as page:
        await page.goto(dashboard + path)
        assert await page.evaluate(_SCROLLS) == []
        rows = page.locator("table.figures tbody tr")
        assert await rows.count() > 0
        for one in await rows.all():
            name, chief, other = one.locator("th"), one.locator(".chief"), one.locator("td:not(.chief)").first
            tops = [await cell.evaluate("cell => cell.getBoundingClientRect().top") for cell in (name, chief, other)]
            assert tops[0] == tops[1] < tops[2]
            said = await other.evaluate("cell => getComputedStyle(cell, '::before').content")
            assert str(await other.get_attribute("data-head")) in said


@pytest.mark.parametrize("path", ["/", "/payments", "/subscriptions"])
@pytest.mark.parametrize("size", [(360, 740), (1440, 900), (1100, 480)], ids=["phone", "desktop", "low"])
async def test_by_keyboard_alone_every_stop_is_seen_forward_and_back(
    browser: Browser, dashboard: str, path: str, size: tuple[int, int]
) -> None:
    async with reader(browser, dashboard, width=size[0], language="en-GB") as page:
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        await page.goto(dashboard + path)
        await page.evaluate("() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
        hidden: list[str] = []
        for key in ("Tab", "Shift+Tab"):
            stops = 0
            while stops < 200:
                await page.keyboard.press(key)
                stop = await page.evaluate(_STOP)
                if stop is None:
                    break
                stops += 1
                hidden += [f"{key}: {stop}"] if stop else []
            assert 15 < stops < 200
        assert hidden == []
