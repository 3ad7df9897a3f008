"""The page of one payment: what happened to it, and where its Stars are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from neonpay import PaymentStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

EVIL = "<script>alert(1)</script>\"'\N{RIGHT-TO-LEFT OVERRIDE}"


def path_of(shop: Shop, charge_id: str | None) -> str:
    return f"/payments/{shop.neonpay.program.adapter.bot_id}/{quote(charge_id or '', safe='')}"


async def test_a_delivered_payment_tells_its_life_from_the_invoice_to_the_goods(shop: Shop, served: Served) -> None:
    @shop.neonpay.on_payment(stage="vip", name="deliver")
    async def deliver() -> None:
        pass

    async with shop.polling():
        sold = await shop.sells(await shop.visitor("Ann"))
        await shop.delivers(sold)
        await shop.neonpay.program.pipeline.people.write()
        await shop.neonpay.books.reconcile(grace_s=0)
        async with served() as http:
            text = await (await http.get(path_of(shop, sold.charge_id))).text()
            russian = await (await http.get(path_of(shop, sold.charge_id), headers={"Accept-Language": "ru"})).text()
    assert "<h1><bdi>Ann paid and has “VIP”.</bdi></h1>" in text
    assert "Ann: оплачено, «VIP» выдано." in russian
    order = [
        text.index(words) for words in ("Invoice made", "Checkout approved", "Paid and recorded", "Goods delivered")
    ]
    assert order == sorted(order)
    assert sold.charge_id in text
    assert 'class="journal proved"' in text
    assert "Telegram’s own list has this charge." in text
    assert "invoice_payload" in text
    assert (await shop.neonpay.payments.get(sold.charge_id or "")).payload not in text


async def test_a_delivery_that_has_failed_lists_every_attempt_and_is_unproved_until_telegram_lists_it(
    open_shop: Callable[..., Shop], served: Served, shop: Shop
) -> None:
    @shop.neonpay.on_payment(stage="vip", name="deliver", max_attempts=1)
    async def fail() -> None:
        raise RuntimeError(EVIL)

    async with shop.polling():
        sold = await shop.sells(await shop.visitor(EVIL))
        await shop.fact("fulfilment_abandoned")
        await shop.neonpay.program.pipeline.people.write()
        async with served() as http:
            text = await (await http.get(path_of(shop, sold.charge_id))).text()
    assert "still waits for “VIP”" in text
    assert "Delivery failed 1 time" in text
    assert "Waits for you: deliver." in text
    assert 'class="journal open"' in text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_a_payment_that_went_back_says_that_nothing_is_owed(shop: Shop, served: Served) -> None:
    shop.neonpay.create_payment_stage("once", PaymentStage(title="Once", description="x", price=5))
    async with shop.polling():
        sold = await shop.sells(await shop.visitor("Ann"), "once")
        await shop.neonpay.refund(sold.charge_id, reason="Bought twice")
        async with served() as http:
            text = await (await http.get(path_of(shop, sold.charge_id))).text()
    assert "Nothing is owed." in text
    assert "Stars returned" in text
    assert "Bought twice" in text


async def test_what_is_no_payment_of_this_shop_is_not_found(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    bot = shop.neonpay.program.adapter.bot_id
    async with served() as http:
        for path in (
            f"/payments/{bot}/none", f"/payments/{bot}/%00", f"/payments/{bot}/%ED%A0%80", "/payments/1/none",
            "/payments/99999999999999999999999/x", "/payments/x/y", f"/payments/{bot}/..%2F..%2Fetc", f"/payments/{bot}",
            f"/payments/{bot}/{'a' * 4000}", f"/payments/{bot}/%E2%80%AE", f"/payments/-{bot}/x",
        ):  # fmt: skip
            assert (await http.get(path)).status == 404, path
