"""The same charge twice, and one invoice paid more than once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Update

from neonpay import PaymentResult, PaymentStage
from neonpay.ledger.tables import journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Simulator
    from tests.integration.conftest import Shop


def payment_update(shop: Shop) -> dict[str, object]:
    """The update that told of the last payment."""
    return [u for u in shop.telegram.updates(shop.account) if "successful_payment" in u.payload][-1].body


def notes_deliveries(shop: Shop) -> list[PaymentResult]:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    return delivered


@pytest.mark.parametrize("new_id", [False, True])
async def test_a_repeated_update_is_recorded_once(shop: Shop, query: Callable[..., Any], *, new_id: bool) -> None:
    delivered = notes_deliveries(shop)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.telegram.redeliver(int(payment_update(shop)["update_id"]), shop.account, new_id=new_id)
        await shop.settles()
        history = await shop.neonpay.payments.history(delivered[0].user_id)

    assert [payment.charge_id for payment in history] == [outcome.charge_id]
    assert len(delivered) == 1
    assert len(shop.named("payment_completed")) == 1
    assert await query(sa.select(sa.func.sum(journal.c.amount_stars)).where(journal.c.account == "stars")) == [(50,)]


async def test_a_repeated_update_after_a_restart_is_recorded_once(open_shop: Callable[..., Shop]) -> None:
    first = open_shop()
    delivered = notes_deliveries(first)
    async with first.polling():
        await first.sells(await first.visitor())
    second = open_shop()
    delivered_later = notes_deliveries(second)
    async with second.polling():
        await second.telegram.redeliver(int(payment_update(first)["update_id"]), second.account)
        await second.settles()

    assert len(delivered) == 1
    assert delivered_later == []


async def test_the_same_update_many_times_at_once_in_two_workers_is_recorded_once(
    open_shop: Callable[..., Shop],
) -> None:
    first, second = open_shop(), open_shop()
    delivered = notes_deliveries(first)
    delivered_there = notes_deliveries(second)
    await second.neonpay.setup()
    ann = await first.visitor()
    async with first.polling(telegram_sends=["pre_checkout_query"]):
        invoice = await first.neonpay.create_payment_link("vip", user_id=ann.id)
        outcome = await ann.pays(invoice.link or "")
    await first.neonpay.setup()
    assert not first.named("payment_completed"), "the bot was not told of the payment"

    body = payment_update(first)
    updates = [Update.model_validate(body) for _ in range(5)]
    await asyncio.gather(
        *(shop.dispatcher.feed_update(shop.bot, update) for update in updates for shop in (first, second))
    )
    await first.neonpay.program.drain()
    await second.neonpay.program.drain()

    payment = await first.neonpay.payments.get(outcome.charge_id)
    assert payment.number == 1
    assert len(delivered) + len(delivered_there) == 1
    assert len(first.named("payment_completed")) + len(second.named("payment_completed")) == 1


async def test_an_invoice_of_a_stage_that_sells_again_is_delivered_for_every_payment(shop: Shop) -> None:
    delivered = notes_deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        message = await ann.hears(shop.account)
        outcomes = [await ann.pays(message) for _ in range(3)]
        await shop.settles()

    assert [result.transaction_id for result in delivered] == [outcome.charge_id for outcome in outcomes]
    assert [result.payment.number for result in delivered] == [1, 2, 3]
    assert not any(result.is_extension for result in delivered)


async def test_a_stage_that_extends_tells_the_handler_of_the_second_payment(shop: Shop) -> None:
    delivered = notes_deliveries(shop)
    shop.neonpay.create_payment_stage(
        "month", PaymentStage(title="Month", description="A month", price=3, repeat="extend")
    )
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "month")
        message = await ann.hears(shop.account)
        await ann.pays(message)
        await ann.pays(message)
        await shop.settles()

    assert [result.is_extension for result in delivered] == [False, True]


async def test_a_stage_that_refunds_sends_the_second_payment_back_and_delivers_once(shop: Shop) -> None:
    delivered = notes_deliveries(shop)
    shop.neonpay.create_payment_stage(
        "once", PaymentStage(title="Once", description="Once only", price=30, repeat="refund")
    )
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=100)
        await shop.neonpay.send_payment(ann.id, "once")
        message = await ann.hears(shop.account)
        first, second = await ann.pays(message), await ann.pays(message)
        await shop.fact("payment_refunded")
        await shop.settles()
        states = [(await shop.neonpay.payments.get(o.charge_id)).state for o in (first, second)]

    assert states == ["accepted", "refunded"]
    assert [result.transaction_id for result in delivered] == [first.charge_id]
    assert (ann.stars, shop.telegram.balance(shop.account)) == (70, 30)
    assert len(shop.named("refund_requested")) == 1


async def test_an_invoice_that_may_be_paid_once_declines_the_second_checkout(shop: Shop) -> None:
    notes_deliveries(shop)
    shop.neonpay.create_payment_stage(
        "seat", PaymentStage(title="Seat", description="One seat", price=30, max_payments=1)
    )
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=100)
        await shop.neonpay.send_payment(ann.id, "seat")
        message = await ann.hears(shop.account)
        first, second = await ann.pays(message), await ann.pays(message)

    assert (first.status, second.status) == ("paid", "declined")
    assert second.reason == "This invoice has been paid already."
    assert ann.stars == 70


async def test_two_checkouts_at_once_of_an_invoice_that_may_be_paid_once_take_the_stars_of_one(
    open_shop: Callable[..., Shop], telegram: Simulator
) -> None:
    shop = open_shop()
    delivered = notes_deliveries(shop)
    shop.neonpay.create_payment_stage(
        "seat", PaymentStage(title="Seat", description="One seat", price=30, max_payments=1)
    )
    async with shop.polling(handle_as_tasks=True):
        invoice = await shop.neonpay.create_payment_link("seat")
        buyers = [telegram.user(name, stars=30) for name in ("Ann", "Bob", "Cem", "Dee")]
        outcomes = await asyncio.gather(*(buyer.pays(invoice.link or "") for buyer in buyers))
        await shop.fact("payment_completed")
        await shop.settles()

    assert sorted(outcome.status for outcome in outcomes) == ["declined"] * 3 + ["paid"]
    reasons = {outcome.reason for outcome in outcomes if outcome.status == "declined"}
    assert reasons <= {
        "This invoice is being paid right now. Please try again in a minute.",
        "This invoice has been paid already.",
    }
    assert len(delivered) == 1
    assert telegram.balance(shop.account) == 30


async def test_a_seat_held_by_a_buyer_who_did_not_pay_is_free_again_after_a_minute(shop: Shop, clock: Any) -> None:
    notes_deliveries(shop)
    shop.neonpay.create_payment_stage(
        "seat", PaymentStage(title="Seat", description="One seat", price=30, max_payments=1)
    )
    async with shop.polling():
        invoice = await shop.neonpay.create_payment_link("seat")
        ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
        # The answer says yes and Ann's Stars never move; the shop cannot know that, because Telegram did not say so.
        shop.telegram.faults.fail("answerPreCheckoutQuery", error_code=403)
        held = await ann.begins_to_pay(invoice.link or "")
        await shop.fact("checkout_approved")
        assert (await bob.pays(invoice.link or "")).status == "declined"
        clock.advance(61)
        await shop.telegram.advance(11)
        assert (await held.outcome()).status == "timed_out"
        assert (await bob.pays(invoice.link or "")).status == "paid"
        await shop.settles()


async def test_a_payment_beyond_the_most_that_telegram_does_not_take_back_needs_attention(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    delivered = notes_deliveries(shop)
    stage = PaymentStage(title="Seat", description="One seat", price=30, max_payments=1)
    shop.neonpay.create_payment_stage("seat", stage)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=100)
        await shop.sells(ann, "seat")
        body = payment_update(shop)
        body["message"]["successful_payment"]["telegram_payment_charge_id"] = "another-charge"  # type: ignore[index]
        await shop.dispatcher.feed_update(shop.bot, Update.model_validate(body))
        await shop.settles()
        (payment,) = await shop.neonpay.payments.needs_attention()

    assert (payment.charge_id, payment.attention) == ("another-charge", "refund_refused")
    assert len(delivered) == 1


async def test_an_invoice_is_for_its_user_unless_anyone_may_pay(shop: Shop) -> None:
    delivered = notes_deliveries(shop)
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        await shop.neonpay.send_payment(ann.id, "vip")
        own = await bob.receives(await ann.hears(shop.account))
        declined = await bob.pays(own)
        await shop.neonpay.send_payment(ann.id, "vip", anyone_may_pay=True)
        gift = await bob.receives(await ann.hears(shop.account))
        paid = await bob.pays(gift)
        await shop.settles()

    assert (declined.status, declined.reason) == (
        "declined",
        "This invoice was made for somebody else. Please ask for your own.",
    )
    assert paid.status == "paid"
    assert [result.user_id for result in delivered] == [bob.id]
