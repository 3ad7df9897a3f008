"""A price, a title and a description of one's own for an invoice, and what is known of it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from neonpay import PaymentError, PaymentResult, PaymentStage
from neonpay.core.payments import Charge
from neonpay.errors import StageNotFoundError, ValidationError
from neonpay.payments.handlers.middleware import PaymentMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.integration.conftest import Shop

DONATION = PaymentStage(title="Donation", description="As you like", price=50, price_range=(10, 2_500))


def gives(shop: Shop) -> list[PaymentResult]:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    shop.neonpay.create_payment_stage("donation", DONATION)
    return delivered


async def test_an_invoice_has_the_price_and_the_words_that_its_call_says(shop: Shop) -> None:
    delivered = gives(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=3_000)
        words = {"title": "Order 17", "description": "Two pizzas"}
        invoice = await shop.neonpay.send_payment(ann.id, "donation", price_stars=777, **words)
        message = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
        outcome = await ann.pays(message)
        await shop.settles()
        link = await shop.neonpay.create_payment_link("donation", price_stars=2_000, title="Large")
        paid_by_link = await ann.pays(link.link or "")
        await shop.settles()

        assert message.invoice is not None
        assert (message.invoice.title, message.invoice.description) == ("Order 17", "Two pizzas")
        assert (message.invoice.total_amount, invoice.price_stars) == (777, 777)
        assert (outcome.status, paid_by_link.status) == ("paid", "paid")
        assert [(result.amount, result.stage) for result in delivered] == [(777, DONATION), (2_000, DONATION)]
        assert (await shop.neonpay.books.verify()).is_clean


@pytest.mark.parametrize(
    ("stage_id", "asked"),
    [
        ("donation", {"price_stars": 9}),
        ("donation", {"price_stars": 2_501}),
        ("donation", {"price_stars": True}),
        ("vip", {"price_stars": 49}),
        ("vip", {"title": ""}),
        ("vip", {"description": "x" * 256}),
    ],
)
async def test_a_price_that_the_stage_does_not_allow_is_not_offered(
    shop: Shop, stage_id: str, asked: dict[str, int | str]
) -> None:
    gives(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann")
        with pytest.raises(ValidationError):
            await shop.neonpay.send_payment(ann.id, stage_id, **asked)  # type: ignore[arg-type]  # it is wrong on purpose
        assert shop.named("invoice_created") == []


@pytest.mark.parametrize("price_range", [(51, 100), (10, 49), (0, 100), (10,), (10, 10**12), "10-100"])
def test_a_range_of_prices_holds_the_price_and_stays_within_telegrams(price_range: object) -> None:
    with pytest.raises(ValidationError, match="price_range"):
        PaymentStage(title="T", description="D", price=50, price_range=price_range)  # type: ignore[arg-type]


def test_a_stage_is_read_back_with_its_range_and_without_what_a_later_program_has_added() -> None:
    text = DONATION.to_json()
    assert PaymentStage.from_json(text) == DONATION
    assert PaymentStage.from_json(text[:-1] + ',"of_tomorrow":1}') == DONATION
    assert "price_range" not in PaymentStage(title="T", description="D", price=1).to_json()


async def test_what_cannot_be_sold_is_a_payment_error(shop: Shop) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        with pytest.raises(PaymentError) as raised:
            await shop.neonpay.send_payment(ann.id, "nope")
    assert isinstance(raised.value, StageNotFoundError | KeyError)


async def test_an_invoice_is_found_by_its_payment_and_says_where_its_message_is(shop: Shop) -> None:
    gives(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann")
        sent = await shop.neonpay.send_payment(ann.id, "vip")
        assert not await shop.neonpay.invoices.is_paid(sent.invoice_id)
        message = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
        outcome = await ann.pays(message)
        await shop.settles()
        invoice = await shop.neonpay.invoices.of(outcome.charge_id or "")
        assert invoice is not None
        assert (invoice.invoice_id, invoice.chat_id) == (sent.invoice_id, ann.id)
        assert invoice == await shop.neonpay.invoices.get(sent.invoice_id)
        await shop.neonpay.call("deleteMessage", {"chat_id": invoice.chat_id, "message_id": invoice.message_id})
        assert await shop.neonpay.invoices.get("nope") is None
        (payment,) = await shop.neonpay.payments.list(invoice_id=sent.invoice_id)
        assert payment.charge_id == outcome.charge_id
        assert await shop.neonpay.invoices.is_paid(sent.invoice_id)

        await shop.neonpay.refund(payment.charge_id)
        assert not await shop.neonpay.invoices.is_paid(sent.invoice_id)


async def test_a_link_for_anybody_is_paid_when_somebody_has_paid_it(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    gives(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann")
        link, other = [await shop.neonpay.create_payment_link("vip") for _ in range(2)]
        await ann.pays(link.link or "")
        await shop.settles()
        paid = [await shop.neonpay.invoices.is_paid(one.invoice_id) for one in (link, other)]
    assert paid == [True, False]


async def test_what_a_middleware_says_of_a_stage_bounds_the_price_of_a_call(shop: Shop) -> None:
    class Floor(PaymentMiddleware):
        async def before_payment(self, stage: PaymentStage, context: Mapping[str, object]) -> PaymentStage:
            return replace(stage, price=200, price_range=(200, 2_500))

    gives(shop)
    shop.neonpay.add_middleware(Floor())
    async with shop.polling():
        for too_cheap in (10, 50):
            with pytest.raises(ValidationError):
                await shop.neonpay.create_payment_link("donation", price_stars=too_cheap)
        assert (await shop.neonpay.create_payment_link("donation")).price_stars == 200
        assert (await shop.neonpay.create_payment_link("donation", price_stars=300)).price_stars == 300


async def test_a_key_that_was_used_for_another_price_is_refused(shop: Shop) -> None:
    gives(shop)
    async with shop.polling():
        first = await shop.neonpay.create_payment_link("donation", price_stars=10, idempotency_key="order 1")
        again = await shop.neonpay.create_payment_link("donation", price_stars=10, idempotency_key="order 1")
        assert again.invoice_id == first.invoice_id
        with pytest.raises(PaymentError, match="idempotency key"):
            await shop.neonpay.create_payment_link("donation", price_stars=2_000, idempotency_key="order 1")


async def test_an_invoice_is_paid_by_whomever_a_person_has_accepted(shop: Shop) -> None:
    gives(shop)
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        invoice = await shop.neonpay.create_payment_link("vip", user_id=ann.id)
        charge = Charge(
            bot_id=shop.account.id,
            charge_id="of bob",
            user_id=bob.id,
            amount=50,
            currency="XTR",
            payload=invoice.payload,
            paid_at_us=shop.clock.now_us(),
        )
        payment = await shop.neonpay.program.pipeline.entrance.charged(charge)
        assert payment is not None
        assert payment.attention == "wrong_payer"
        assert not await shop.neonpay.invoices.is_paid(invoice.invoice_id)
        await shop.neonpay.payments.accept("of bob")
        assert await shop.neonpay.invoices.is_paid(invoice.invoice_id)


@pytest.mark.parametrize("nothing", ["nope", "", "a\0b", "\ud800", "x" * 5_000])
async def test_an_id_that_no_invoice_has_finds_none_whatever_it_is(shop: Shop, nothing: str) -> None:
    await shop.neonpay.setup()
    found = shop.neonpay
    assert await found.invoices.get(nothing) is None
    assert not await found.invoices.is_paid(nothing)
    assert await found.invoices.list(stage_id=nothing) == []
    assert await found.payments.list(invoice_id=nothing) == await found.payments.list(stage_id=nothing) == []
    assert await found.subscriptions.active(7, stage_id=nothing) is None


@pytest.mark.parametrize("user_id", ["7", 7.0, True, 0, 2**63, [7]])
async def test_a_user_whom_nobody_can_be_is_told_on_both_databases(shop: Shop, user_id: Any) -> None:
    await shop.neonpay.setup()
    for ask in (
        lambda: shop.neonpay.invoices.list(user_id=user_id),
        lambda: shop.neonpay.payments.list(user_id=user_id),
        lambda: shop.neonpay.payments.history(user_id),
        lambda: shop.neonpay.subscriptions.active(user_id),
    ):
        with pytest.raises(ValidationError, match="user_id"):
            await ask()


async def test_a_time_without_a_zone_and_an_id_that_is_no_text_are_told(shop: Shop) -> None:
    await shop.neonpay.setup()
    naive: Any = datetime(2026, 11, 1)  # noqa: DTZ001  # it is wrong on purpose
    for asked in ({"since": naive}, {"until": naive}, {"since": "2026-11"}, {"stage_id": 7}):
        for place in (shop.neonpay.invoices, shop.neonpay.payments):
            with pytest.raises(ValidationError, match=next(iter(asked))):
                await place.list(**asked)
    with pytest.raises(ValidationError, match="invoice_id"):
        await shop.neonpay.invoices.is_paid(None)  # type: ignore[arg-type]
