"""Middlewares stand around a sale, and none of them can lose a payment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from neonpay import CheckoutRefused, PaymentMiddleware, PaymentResult, PaymentStage, SaleRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.core.payments import Invoice, PreCheckout
    from tests.integration.conftest import MovableClock, Shop


class Diary(PaymentMiddleware):
    """Writes down what passes."""

    def __init__(self, name: str, pages: list[str]) -> None:
        self.name = name
        self.pages = pages

    async def before_payment(self, stage: PaymentStage, context: Mapping[str, object]) -> PaymentStage | None:
        self.pages.append(f"{self.name} before {context['stage_id']} for {context['user_id']}")
        return stage

    async def around_payment(self, result: PaymentResult, context: Mapping[str, object], call_next: Any) -> None:
        self.pages.append(f"{self.name} in {context['handler']} {context['attempt']}")
        await super().around_payment(result, context, call_next)

    async def after_payment(self, result: PaymentResult, context: Mapping[str, object]) -> None:
        self.pages.append(f"{self.name} out {context['charge_id'] == result.transaction_id}")

    async def on_error(self, error: Exception, context: Mapping[str, object]) -> None:
        self.pages.append(f"{self.name} error {error}")


async def test_the_first_middleware_is_the_outermost(shop: Shop) -> None:
    pages: list[str] = []
    shop.neonpay.add_middleware(Diary("first", pages))
    shop.neonpay.add_middleware(Diary("second", pages))

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        pages.append("delivered")

    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann)
    assert pages == [
        f"first before vip for {ann.id}",
        f"second before vip for {ann.id}",
        "first in deliver 1",
        "second in deliver 1",
        "delivered",
        "second out True",
        "first out True",
    ]


async def test_a_delivery_that_fails_passes_again_when_it_is_tried_again(shop: Shop, clock: MovableClock) -> None:
    pages: list[str] = []
    shop.neonpay.add_middleware(Diary("diary", pages))

    @shop.neonpay.on_payment(name="deliver")
    def deliver(result: PaymentResult) -> None:
        if len(pages) < 3:
            raise OSError("the printer is out of paper")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        clock.advance(3600)
        await shop.delivers(outcome)
    assert pages[1:] == [
        "diary in deliver 1",
        "diary error the printer is out of paper",
        "diary in deliver 2",
        "diary out True",
    ]


async def test_a_middleware_that_breaks_delays_a_delivery_and_loses_nothing(shop: Shop, clock: MovableClock) -> None:
    delivered: list[str | None] = []

    class Broken(PaymentMiddleware):
        is_broken = True

        async def around_payment(self, result: PaymentResult, context: Mapping[str, object], call_next: Any) -> None:
            if self.is_broken:
                raise OSError("the statistics are away")
            await call_next()

    broken = Broken()
    shop.neonpay.add_middleware(broken)

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        assert (await shop.neonpay.payments.get(outcome.charge_id or "")).state == "accepted"
        assert delivered == []
        broken.is_broken = False
        clock.advance(3600)
        await shop.delivers(outcome)
    assert delivered == [outcome.charge_id]


async def test_a_sale_can_be_made_at_another_price_or_not_at_all(shop: Shop) -> None:
    class Regulars(PaymentMiddleware):
        def __init__(self, regular_id: int, banned_id: int) -> None:
            self.regular_id = regular_id
            self.banned_id = banned_id

        async def before_payment(self, stage: PaymentStage, context: Mapping[str, object]) -> PaymentStage | None:
            if context["user_id"] == self.banned_id:
                return None
            return replace(stage, price=40) if context["user_id"] == self.regular_id else stage

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann, bob, cid = [await shop.visitor(name) for name in ("Ann", "Bob", "Cid")]
        shop.neonpay.add_middleware(Regulars(ann.id, cid.id))
        assert (await shop.sells(ann)).amount_stars == 40
        assert (await shop.sells(bob)).amount_stars == 50
        with pytest.raises(SaleRefused, match="refused"):
            await shop.neonpay.send_payment(cid.id, "vip")
        assert len(shop.telegram.calls("sendInvoice")) == 2
    assert (ann.stars, bob.stars) == (960, 950)


async def test_a_checkout_can_be_declined_and_the_middleware_outlives_a_restart(shop: Shop) -> None:
    class OnlyEven(PaymentMiddleware):
        async def before_checkout(self, query: PreCheckout, invoice: Invoice) -> None:
            raise CheckoutRefused(f"Not for {invoice.stage_id} today.")

    shop.neonpay.add_middleware(OnlyEven())
    async with shop.neonpay:
        pass
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
    assert (outcome.status, outcome.reason) == ("declined", "Not for vip today.")
