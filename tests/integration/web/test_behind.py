"""Where much of a ledger is not counted yet, a page with figures is there at once and says how far the counting is."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from neonpay.analytics.marks import ROLLUP
from neonpay.web import counting
from tests.integration.web.looked_at import heading, page, stocked, words

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

FIGURES = ("/", "/revenue", "/subscriptions", "/products", "/funnel", "/reconciliation")
HEADING = "The figures are being counted."


@pytest.fixture
def shop(shop: Shop) -> Shop:
    return stocked(shop)


@pytest.fixture(autouse=True)
def hardly_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page counts one event by itself, and has more counted."""
    monkeypatch.setattr(counting, "SOON", 1)
    monkeypatch.setattr(counting, "LEFT_MOST", 1)


async def test_pages_with_figures_say_how_far_the_counting_is(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await shop.delivers(await shop.sells(await shop.visitor("Ann")))
        await shop.neonpay.books.seal()
        # Another worker is at it, and comes nowhere.
        store = shop.neonpay.program.pipeline.periodic_store
        async with store.turn(ROLLUP, patience_s=60.0, next_in_s=60.0), served() as http:
            for path in FIGURES:
                answer = await http.get(path)
                text = await answer.text()
                assert (answer.status, heading(text), answer.headers["Refresh"]) == (200, HEADING, "5"), path
                found = re.search(r"\b0 of (\d+) events so far", words(text))
                assert found is not None, text
                assert int(found[1]) > 1
            assert heading(await page(http, language="ru")) == "Показатели ещё считаются."
            for path in ("/payments", "/customers", "/refunds", "/bots"):
                assert heading(await page(http, path)) != HEADING


async def test_whoever_looks_has_what_is_new_counted(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http, asyncio.timeout(100):
        for orders in ("1 order from 1 person", "2 orders from 2 people"):
            await shop.delivers(await shop.sells(await shop.visitor()))
            await shop.neonpay.books.seal()
            assert shop.clock is not None
            shop.clock.advance(1)
            while heading(text := await page(http)) == HEADING:
                pass  # by itself it would be counted in a minute
            assert f"{orders} in 30 days" in words(text)


async def test_where_nobody_counts_pages_count_by_themselves(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await shop.delivers(await shop.sells(await shop.visitor("Ann")))
        await shop.neonpay.books.seal()
        assert shop.clock is not None
        shop.clock.advance(1)
        async with served(only_looks=True) as http:
            assert "1 order from 1 person in 30 days" in words(await page(http))
