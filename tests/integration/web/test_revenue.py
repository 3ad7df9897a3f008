"""The page of revenue: its figures are the ledger's, however they are cut and taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.web.looked_at import (
    EVIL,
    PERIODS,
    cells,
    heading,
    is_harmless,
    lively,
    page,
    statement,
    stocked,
    words,
)

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


@pytest.fixture
def shop(shop: Shop) -> Shop:
    return stocked(shop)


async def test_gross_refunded_and_net_are_the_ledgers_in_every_bucket(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http, "/revenue")
            tables = {
                by: cells(await page(http, f"/revenue?period=7d&by={by}"), f"Net revenue by {by}")
                for by in ("hour", "day", "week", "month")
            }
    assert heading(text) == "125 Stars earned in 30 days; nothing was sold in the 30 days before."
    lines = statement(text)
    assert (lines["Gross"], lines["Refunded"], lines["Net"]) == ("175", "\N{MINUS SIGN}50", "125")
    assert (lines["Orders"], lines["Average order"], lines["Median order"]) == ("3", "58.3", "50")
    assert (lines["People who paid"], lines["For the first time"], lines["Net per person who paid"]) == (
        "2",
        "2",
        "62.5",
    )
    for by, rows in tables.items():
        sums = [sum(int(row[column].replace("\N{MINUS SIGN}", "-")) for row in rows) for column in (1, 2, 3, 4)]
        assert sums == [175, 0, -50, 125], by


async def test_the_parts_add_up_to_the_whole(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            products = cells(await page(http, "/revenue?split=stage"), "By product")
            bots = cells(await page(http, "/revenue?split=bot"), "By bot")
            languages = cells(
                await page(http, "/revenue?split=language"), "By the language that buyers had when they paid"
            )
            plans = await page(http, "/revenue?split=plan")
    assert products == [
        [f"Book {EVIL}", "1", "75", "0", "75", "60.0%", "0.0%"],
        ["VIP", "2", "100", "\N{MINUS SIGN}50", "50", "40.0%", "50.0%"],
    ]
    assert bots == [
        [str(shop.neonpay.program.adapter.bot_id), "3", "175", "\N{MINUS SIGN}50", "125", "100.0%", "33.3%"]
    ]
    assert languages == [["en", "3", "175", "\N{MINUS SIGN}50", "125", "100.0%", "33.3%"]]
    assert cells(plans, "By plan") == []


async def test_more_bars_than_can_be_told_apart_become_fewer_and_that_is_said(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http, "/revenue?period=365d&by=hour")
    assert "drawn by weeks, since finer bars could not be told apart" in words(text)
    assert text.count('class="col"') <= 54


async def test_an_address_that_makes_no_sense_shows_what_is_usual_and_nothing_foreign(
    shop: Shop, served: Served
) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            usual = words(await page(http, "/revenue"))
            odd = words(await page(http, "/revenue?by=%3Cscript%3Ealert&split=x&on=%27&period=never"))
            for period in PERIODS:
                for split in ("", "stage", "plan", "bot", "language"):
                    text = await page(http, f"/revenue?period={period}&split={split}&on=refund", language="ru")
                    assert is_harmless(text)
    assert odd == usual


async def test_a_shop_without_payments_says_so_and_keeps_its_axes(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served() as http:
        text = await page(http, "/revenue")
    assert heading(text) == "Nothing was earned in 30 days."
    assert "Nothing was sold in this time." in text
    assert text.count('class="grid"') == 4
