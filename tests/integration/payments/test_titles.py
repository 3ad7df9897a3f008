"""A sale is called what its buyer read on the invoice, whatever its stage is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.ledger.tables import invoices
from neonpay.notifications import BuyerMessages

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiogram.types import Message

    from tests.integration.conftest import Shop

ORDER = "Order 17: two pizzas"


@pytest.fixture
def delivered(shop: Shop) -> list[PaymentResult]:
    found: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        found.append(result)

    return found


async def test_an_invoice_and_its_payments_have_the_title_of_their_call_and_the_others_that_of_their_stage(
    shop: Shop, delivered: list[PaymentResult]
) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        own, plain = await shop.sells(ann, title=ORDER), await shop.sells(ann)
        link = await shop.neonpay.create_payment_link("vip", title="By link")
        by_link = await ann.pays(link.link or "")
        await shop.settles()
        assert link.title == "By link"
        assert [result.payment.title for result in delivered] == [ORDER, "VIP", "By link"]
        for outcome, title in ((own, ORDER), (plain, "VIP"), (by_link, "By link")):
            payment = await shop.neonpay.payments.get(outcome.charge_id or "")
            invoice = await shop.neonpay.invoices.of(payment.charge_id)
            assert (payment.title, payment.stage and payment.stage.title) == (title, "VIP")
            assert (invoice and invoice.title) == title
        assert [result.payment for result in delivered] == [
            await shop.neonpay.payments.get(outcome.charge_id or "") for outcome in (own, plain, by_link)
        ]


async def test_a_row_of_an_invoice_is_no_wider_when_its_call_says_what_the_stage_says(
    shop: Shop, delivered: list[PaymentResult], query: Callable[..., object]
) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.neonpay.send_payment(ann.id, "vip")
        await shop.neonpay.send_payment(ann.id, "vip", title="VIP", description="Another")
        assert await query(sa.select(invoices.c.title)) == [(None,), (None,)]  # type: ignore[misc]


async def test_a_title_that_a_database_cannot_keep_stops_no_sale(shop: Shop, delivered: list[PaymentResult]) -> None:
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"), title="Order\0 17")
    assert [result.payment.title for result in delivered] == ["Order\N{REPLACEMENT CHARACTER} 17"]


async def test_an_invoice_that_is_there_under_its_key_keeps_the_title_that_its_buyer_may_have_read(
    shop: Shop, delivered: list[PaymentResult]
) -> None:
    async with shop.polling():
        first = await shop.neonpay.create_payment_link("vip", title=ORDER, idempotency_key="17")
        again = await shop.neonpay.create_payment_link("vip", title="Order 18", idempotency_key="17")
    assert (first.invoice_id, first.title, again.title) == (again.invoice_id, ORDER, ORDER)


async def test_an_invoice_that_failed_goes_out_under_its_own_title_when_it_is_asked_for_again(
    shop: Shop, delivered: list[PaymentResult]
) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        shop.telegram.faults.fail("sendInvoice", error_code=400, description="Bad Request: not now", times=1)
        with pytest.raises(Exception, match="not now"):
            await shop.neonpay.send_payment(ann.id, "vip", title=ORDER, idempotency_key="17")
        await shop.neonpay.send_payment(ann.id, "vip", title="Order 18", idempotency_key="17")
        message = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
        assert message.invoice is not None
        assert message.invoice.title == ORDER
        await ann.pays(message)
        await shop.settles()
    assert [result.payment.title for result in delivered] == [ORDER]


async def test_an_invoice_that_nobody_has_read_takes_the_title_of_the_call_that_sends_it(
    shop: Shop, delivered: list[PaymentResult]
) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        shop.telegram.faults.fail("sendInvoice", error_code=400, description="Bad Request: not now")
        shop.telegram.faults.fail("createInvoiceLink", error_code=400, description="Bad Request: not now")
        with pytest.raises(Exception, match="not now"):
            await shop.neonpay.send_payment(ann.id, "vip", idempotency_key="17")
        with pytest.raises(Exception, match="not now"):
            await shop.neonpay.create_payment_link("vip", idempotency_key="18")
        sent = await shop.neonpay.send_payment(ann.id, "vip", title=ORDER, idempotency_key="17")
        link = await shop.neonpay.create_payment_link("vip", title="Order 18", idempotency_key="18")
        message = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
        assert message.invoice is not None
        assert (message.invoice.title, sent.title, link.title) == (ORDER, ORDER, "Order 18")
        again = await shop.neonpay.create_payment_link("vip", title="Order 19", idempotency_key="18")
        assert again.title == "Order 18"
        await ann.pays(message)
        await ann.pays(link.link or "")
        await shop.settles()
    assert [result.payment.title for result in delivered] == [ORDER, "Order 18"]


async def test_a_renewal_is_called_what_the_subscription_was(shop: Shop, delivered: list[PaymentResult]) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        options = {"subscription_period": SUBSCRIPTION_PERIOD_S}
        invoice = await shop.neonpay.create_payment_link("vip", title="A month with Olga", options=options)
        await ann.pays(invoice.link or "")
        await shop.settles()
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S + 60)
        await shop.settles()
    assert [result.payment.title for result in delivered] == ["A month with Olga"] * 2


async def test_receipts_and_orders_say_what_the_buyer_has_bought(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()

    @shop.neonpay.on_payment(name="deliver")
    async def deliver() -> None: ...

    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor("Ann")
        outcome = await shop.sells(ann, title=ORDER)
        receipt = await ann.hears(shop.account, containing="🧾")
        await shop.neonpay.refund(outcome.charge_id or "")
        back = await ann.hears(shop.account, containing="↩️")
        await ann.says("/orders", to=shop.account)
        listed = await ann.hears(shop.account, containing="last purchases")
    assert (receipt.text or "").startswith(f"🧾 {ORDER}\n")
    assert back.text == f"↩️ {ORDER}: 50 Stars are back on your balance."
    assert _first_button(listed).startswith(f"{ORDER} · ")


async def test_paysupport_names_the_purchase_as_its_buyer_knows_it(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()

    @shop.neonpay.on_payment(name="deliver")
    async def deliver() -> None: ...

    olga = await shop.visitor("Olga")
    shop.neonpay.create_payment_stage("pizza", PaymentStage(title="Pizza", description="Hot", price=50))
    shop.neonpay.enable_support(admins=[olga.id])
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.sells(ann, "pizza", title=ORDER)
        await ann.says("/paysupport", to=shop.account)
        listed = await ann.hears(shop.account, predicate=_has_buttons)
        assert _first_button(listed).startswith(f"{ORDER} · ")
        await ann.presses_at(0, 0, on=listed)
        chosen = await ann.hears(shop.account, predicate=_has_buttons)
        assert f"{ORDER}, 50 Stars" in (chosen.text or "")
        await ann.presses("Ask", on=chosen)
        decide = await olga.hears(shop.account, predicate=_has_buttons)
    assert ORDER in (decide.text or "")


def _has_buttons(message: Message) -> bool:
    return message.invoice is None and message.reply_markup is not None


def _first_button(message: Message) -> str:
    assert message.reply_markup is not None
    return message.reply_markup.inline_keyboard[0][0].text
