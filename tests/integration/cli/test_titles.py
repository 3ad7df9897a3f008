"""The command and the views name a sale as its buyer knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from tests.integration.cli.conftest import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

ORDER = "Order 17: two pizzas"


async def test_a_payment_is_shown_and_exported_and_read_under_the_title_of_its_invoice(
    shop: Shop, database_url: str, query: Callable[..., object]
) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver() -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann")
        own, plain = await shop.sells(ann, title=ORDER), await shop.sells(ann)
        link = await shop.neonpay.create_payment_link("vip", title="By link")
        await shop.neonpay.refund(own.charge_id or "")
        await shop.settles()
    await shop.aclose()
    neonpay = Command(shop, database_url, {})

    assert (await neonpay.json("payments", "show", own.charge_id or ""))["title"] == ORDER
    assert (await neonpay.json("payments", "show", plain.charge_id or ""))["title"] == "VIP"
    assert f" {ORDER}\n" in (await neonpay("payments", "show", own.charge_id or "")).stdout
    assert [row["title"] for row in await neonpay.json("payments", "list")] == ["VIP", ORDER]
    (first,) = [row for row in await neonpay.json("invoices", "list") if row["invoice_id"] == link.invoice_id]
    assert first["title"] == "By link"
    by_time = sa.text("SELECT title, stage_title FROM neonpay_v1_payments ORDER BY recorded_at_us, charge_id")
    assert sorted(await query(by_time)) == [(ORDER, "VIP"), ("VIP", "VIP")]  # type: ignore[misc]
    assert await query(sa.text("SELECT title, stage_title FROM neonpay_v1_refunds")) == [(ORDER, "VIP")]  # type: ignore[misc]
