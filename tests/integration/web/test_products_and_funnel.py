"""What became of offers: by product, and from the invoice to the goods."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from neonpay.analytics.figures import Finding, Product, Takings
from neonpay.web.drawn.flow import reason_words
from neonpay.web.pages.funnel.view import findings
from neonpay.web.speech import Speech
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

MINUS = "\N{MINUS SIGN}"
DAY_US = 86_400_000_000


@pytest.fixture
def shop(shop: Shop) -> Shop:
    return stocked(shop)


async def test_each_product_has_its_orders_its_net_and_the_share_that_bought(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http, "/products")
            for period in PERIODS:
                assert is_harmless(await page(http, f"/products?period={period}", language="ru"))
    assert heading(text) == f"“Book {EVIL}” earned most: 75 Stars in 30 days."
    assert cells(text, "Products") == [
        [f"Book {EVIL}", "75", "1 1 order", "0.0%", "100%", "0", "0"],
        ["VIP", "50", "2 2 orders", "50.0%", "67%", "1", "2"],
    ]
    assert text.count('class="spark"') == 2
    assert f'href="/payments?product={"book"}"' in text


async def test_the_funnel_tells_who_was_lost_and_where(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http, "/funnel")
            for period in PERIODS:
                assert is_harmless(await page(http, f"/funnel?period={period}", language="ru"))
    assert heading(text) == "75.0% of invoices were paid in 30 days."
    assert cells(text, "Why checkouts were declined") == [["refused by the bot", "1", "25.0%"]]
    assert re.findall(r"<b>(\d+)</b>", text)[:4] == ["4", "4", "3", "2"]
    assert statement(text)["Deliveries"] == "2"
    assert text.count('<circle class="dot"') == 2
    assert "Nothing stands out in this time." in words(text)


async def test_without_invoices_the_stream_is_hollow(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served() as http:
        funnel, products = await page(http, "/funnel"), await page(http, "/products")
    assert heading(funnel) == "Nobody was sent an invoice in 30 days."
    assert funnel.count('class="hollow') == 8
    assert heading(products) == "Nothing was sold in 30 days."


def test_what_stands_out_is_said_of_products_by_their_titles() -> None:
    barred = Product(stage_id="b", title=EVIL, takings=Takings(), invoiced=10, declined=8, delivered=0)
    found = findings(
        Speech("en", UTC),
        [
            Finding(id="unsellable", bot_id=7, count=8, subject="b"),
            Finding(id="refund_abuser", bot_id=7, count=3, subject="44", stars=1200),
        ],
        [barred],
    )
    assert found[0].startswith(f"Nobody can buy “{EVIL}”: every checkout was declined, 8 in all.")
    assert found[1].startswith("User 44 got 3 refunds in this period, 1,200 Stars.")


async def test_why_a_checkout_was_declined_is_said_alike_wherever_it_stands(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        declined = await shop.fact("checkout_declined")
        person = f"/customers/{shop.neonpay.program.adapter.bot_id}/{declined.user_id}"
        async with served() as http:
            for path in ("/funnel", "/payments?tab=declined", person):
                assert "отказал бот" in words(await page(http, path, language="ru")), path


def test_a_word_of_the_program_for_a_decline_has_spaces_and_not_lines() -> None:
    assert [reason_words(Speech("ru", UTC), reason) for reason in ("too_slow", "sold_out", "")] == [
        *("нет ответа вовремя", "sold out", "")
    ]
