"""The page of subscriptions: who is active, who left and why, what is to renew; by the ledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentStage
from tests.integration.web.looked_at import EVIL, PERIODS, cells, heading, is_harmless, page, statement, stocked, words

if TYPE_CHECKING:
    from neonpay.simulator import Buyer
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

MONTH_S = 2_592_000


@pytest.fixture
def shop(shop: Shop) -> Shop:
    stocked(shop)
    shop.neonpay.create_payment_stage("club", PaymentStage(title=f"Club {EVIL}", description="A month", price=100))

    @shop.neonpay.on_payment(stage="club", name="let_in")
    async def let_in() -> None:
        pass

    return shop


async def subscribe(shop: Shop, buyer: Buyer, stage_id: str = "club") -> None:
    invoice = await shop.neonpay.create_payment_link(
        stage_id, user_id=buyer.id, options={"subscription_period": MONTH_S}
    )
    await buyer.pays(invoice.link or "")
    await shop.settles()


async def test_subscriptions_are_counted_with_what_they_pay_and_when_they_renew(shop: Shop, served: Served) -> None:
    async with shop.polling():
        for name in ("Ann", "Ben"):
            await subscribe(shop, await shop.visitor(name))
        assert shop.clock is not None
        shop.clock.advance(2 * 86_400)  # the renewal is among the next thirty days
        async with served() as http:
            text = await page(http, "/subscriptions")
            for period in PERIODS:
                for language in ("en", "ru"):
                    assert is_harmless(await page(http, f"/subscriptions?period={period}", language=language))
    assert heading(text) == "2 active subscriptions, 2 more than 30 days ago."
    lines = statement(text)
    assert (lines["At the start"], lines["New"], lines["Active now"]) in {("0", "+2", "2"), ("0", "+200", "2")}
    assert (lines["Set to renew"], lines["Stars in thirty days"]) == ("100.0%", "200")
    assert cells(text, "Plans") == [[f"Club {EVIL}", "2", "200", "2"]]
    assert "to renew in 30 days, 2 subscriptions" in words(text)


async def test_without_a_subscription_the_page_says_how_one_is_sold(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served() as http:
        text = await page(http, "/subscriptions")
    assert heading(text) == "No subscriptions yet."
    assert "subscription_period" in text


async def test_the_statement_adds_up_when_somebody_has_two_plans(shop: Shop, served: Served) -> None:
    shop.neonpay.create_payment_stage("plus", PaymentStage(title="Plus", description="A month", price=30))

    @shop.neonpay.on_payment(stage="plus", name="let_in_too")
    async def let_in_too() -> None:
        pass

    async with shop.polling():
        ann = await shop.visitor("Ann")
        await subscribe(shop, ann)
        await subscribe(shop, ann, "plus")
        async with served() as http:
            text = await page(http, "/subscriptions")
            in_russian = await page(http, "/subscriptions", language="ru")
    lines = [
        (name, int(said))
        for name, said in re.findall(r'<tr[^>]*><th scope="row">([^<]+)</th><td>([+\d]+)</td></tr>', text)
    ]
    first = lines[: [name for name, _ in lines].index("Active now") + 1]
    assert first[:2] == [("At the start", 0), ("New", 1)]
    assert ("More plans of the same people", 1) in first
    assert sum(number for _, number in first[:-1]) == first[-1][1] == 2
    assert "Ещё тарифы тех же людей" in in_russian
