"""The first page: the figures on it are the ledger's, and it says first whether all is well."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from neonpay.web import create_dashboard_app, serving
from neonpay.web.pages.overview import EXAMPLE
from tests.integration.web.looked_at import PERIODS, heading, is_harmless, lively, page, statement, stocked, words
from tests.integration.web.test_health import rename

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


@pytest.fixture
def shop(shop: Shop) -> Shop:
    return stocked(shop)


async def test_a_shop_that_has_sold_nothing_has_the_hollow_trace_and_a_line_to_copy(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served() as http:
        text = await page(http)
        russian = await page(http, language="ru")
    assert heading(text) == "No payments yet."
    assert heading(russian) == "Платежей пока нет."
    assert text.count('class="hollow') == 8
    assert EXAMPLE in unescape(text)
    compile(EXAMPLE, "example", "exec", flags=0x2000)  # awaits at its top, as the rest of a handler would
    for name in ("create_payment_stage", "send_payment"):
        assert f"neonpay.{name}(" in EXAMPLE
        assert callable(getattr(shop.neonpay, name))


async def test_the_figures_are_the_ledgers(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http)
    assert heading(text) == "1 payment needs you. The books have not been compared with Telegram yet."
    assert "3 orders from 2 people in 30 days" in words(text)
    lines = statement(text)
    assert lines["One-off"] == "175"
    assert lines["Refunded, 1"] == "\N{MINUS SIGN}50"
    assert lines["Net"] == "125"
    assert (lines["Orders"], lines["Median order"]) == ("3", "50")
    assert lines["Refund rate"] == "33.3%"
    assert lines["Balance at Telegram"] == "not known"
    assert "75.0% of checkouts. 1 declined: 1 refused by the bot" in words(text)
    assert '<span class="lost bad">66.67%. 1 not delivered yet</span>' in text
    assert "75.0% of invoices were paid" in words(text)


async def test_what_waits_for_a_person_is_named_with_its_cause_and_leads_to_the_payment(
    shop: Shop, served: Served
) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http)
            russian = await page(http, language="ru")
    waiting = text.partition('<ul class="rows">')[2].partition("</ul>")[0]
    assert waiting.count('class="job"') == 1
    assert "Delivery failed: print: RuntimeError: no paper" in words(waiting)
    assert f'href="/payments/{shop.neonpay.program.adapter.bot_id}/' in waiting
    assert re.search(
        r'<form method="post" action="/payments/[^"]+/retry"><input type="hidden" name="form_token"', waiting
    )
    assert "ждёт 1 платёж" in heading(russian)
    assert text.count('class="trace"') == 3


async def test_the_double_rule_means_that_telegram_agrees(shop: Shop, served: Served) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.delivers(await shop.sells(ann))
        async with served() as http:
            before = await page(http)
            await shop.neonpay.books.reconcile(grace_s=0)
            after = await page(http)
            await shop.delivers(await shop.sells(ann))
            assert shop.clock is not None
            shop.clock.advance(1)
            later = await page(http)
    assert 'class="sum proved"' not in before
    assert heading(after) == "Everything adds up. Nothing waits for you."
    assert 'class="sum proved"' in after
    assert "Telegram agrees" in words(after)
    assert statement(after)[next(name for name in statement(after) if name.startswith("Balance"))] == "50"
    assert 'class="sum proved"' not in later
    assert heading(later) == "Everything adds up. Nothing waits for you."
    assert "50 Stars of payments since then are compared next" in words(later)


async def test_no_text_of_others_becomes_markup(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            for period in PERIODS:
                for language in ("en", "ru"):
                    text = await page(http, f"/?period={period}", language=language)
                    assert is_harmless(text)
                    assert "&lt;script&gt;alert" in text


async def test_a_bot_that_these_pages_are_not_about_has_no_first_page(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served() as http:
        assert (await http.get("/?bot=1")).status == 404
        assert (await http.get(f"/?bot={shop.neonpay.program.adapter.bot_id}")).status == 200


async def test_a_ledger_that_cannot_be_read_blinds_the_page_and_nothing_else(
    shop: Shop, served: Served, database_url: str
) -> None:
    async with shop.polling(), served() as http:
        await shop.delivers(await shop.sells(await shop.visitor("Ann")))
        await rename(database_url, "neonpay_payments", "taken_away")
        answer = await http.get("/")
        text = await answer.text()
        await rename(database_url, "taken_away", "neonpay_payments")
    assert answer.status == 503
    assert heading(text) == "The ledger cannot be read."
    assert "neonpay_payments" not in text


async def test_all_bots_are_summed_and_one_is_shown_alone(shop: Shop, open_shop: Callable[..., Shop]) -> None:
    other = stocked(open_shop(username="other_bot"))
    async with shop.polling(), other.polling():
        await shop.delivers(await shop.sells(await shop.visitor("Ann")))
        await other.delivers(await other.sells(await other.visitor("Ben"), "vip"))
        assert shop.clock is not None
        shop.clock.advance(1)
        async with (
            serving(create_dashboard_app(shop.neonpay, other.neonpay, patience_s=60.0), port=0) as url,
            ClientSession(url) as http,
        ):
            both = statement(await page(http))
            alone = statement(await page(http, f"/?bot={other.neonpay.program.adapter.bot_id}"))
    assert (both["Net"], both["Orders"]) == ("100", "2")
    assert (alone["Net"], alone["Orders"]) == ("50", "1")
