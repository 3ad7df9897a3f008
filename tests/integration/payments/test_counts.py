"""How often an invoice was paid and how many seats that took, as the invoice itself says it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from aiogram.types import Update

from neonpay import PaymentStage
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.ledger.tables import invoices, payments

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop


def charges_of(shop: Shop) -> list[Update]:
    """The updates that tell of payments."""
    bodies: list[dict[str, Any]] = [update.body for update in shop.telegram.updates(shop.account)]
    return [Update.model_validate(body) for body in bodies if "successful_payment" in body.get("message", {})]


async def counts(query: Callable[..., Any]) -> list[tuple[int, int]]:
    """Payments and seats of each invoice, in the order in which they were made; the payments are those that are there."""
    there = sa.select(sa.func.count()).where(payments.c.invoice_id == invoices.c.invoice_id).scalar_subquery()
    found = await query(
        sa.select(invoices.c.payments_count, invoices.c.seats_taken, there).order_by(invoices.c.invoice_id)
    )
    assert [count for count, _, _ in found] == [count for _, _, count in found]
    return [(count, seats) for count, seats, _ in found]


async def test_two_workers_that_are_told_of_the_same_payments_in_opposite_order_count_each_once(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    first, second = open_shop(), open_shop()
    for shop in (first, second):
        shop.neonpay.on_payment(name="deliver")(_take)
        await shop.neonpay.setup()
    links = [(await first.neonpay.create_payment_link("vip")).link or "" for _ in range(3)]
    async with first.polling(telegram_sends=["pre_checkout_query"]):
        for number in range(4):
            buyer = await first.visitor(f"Buyer {number}", stars=500)
            for link in links:
                await buyer.pays(link)
    await first.neonpay.setup()
    told = charges_of(first)
    assert len(told) == 12
    dealt = [pair for update, back in zip(told, told[::-1], strict=True) for pair in ((first, update), (second, back))]
    await asyncio.gather(*(shop.dispatcher.feed_update(shop.bot, update) for shop, update in dealt))
    for shop in (first, second):
        await shop.neonpay.program.drain()

    assert await counts(query) == [(4, 4)] * 3
    numbers = [(await first.neonpay.payments.get(_charge_id(update))).number for update in told]
    assert sorted(numbers) == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3


async def test_a_repeated_update_beside_a_new_one_changes_no_count(shop: Shop, query: Callable[..., Any]) -> None:
    shop.neonpay.on_payment(name="deliver")(_take)
    await shop.neonpay.setup()
    link = (await shop.neonpay.create_payment_link("vip")).link or ""
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=500)
        await ann.pays(link)
        await shop.settles()
    async with shop.polling(telegram_sends=["pre_checkout_query"]):
        await ann.pays(link)
    await shop.neonpay.setup()
    known, new = charges_of(shop)
    await asyncio.gather(*(shop.dispatcher.feed_update(shop.bot, update) for update in (known, new, known)))
    await shop.neonpay.program.drain()

    assert await counts(query) == [(2, 2)]
    await shop.dispatcher.feed_update(shop.bot, known)
    assert await counts(query) == [(2, 2)]


async def test_a_renewal_counts_as_a_payment_and_takes_no_seat(shop: Shop, query: Callable[..., Any]) -> None:
    shop.neonpay.on_payment(name="deliver")(_take)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=500)
        options = {"subscription_period": SUBSCRIPTION_PERIOD_S}
        await ann.pays((await shop.neonpay.create_payment_link("vip", options=options)).link or "")
        await shop.settles()
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
        await shop.settles()

    assert await counts(query) == [(2, 1)]


async def test_who_is_charged_when_no_seat_is_left_counts_as_a_payment_and_takes_none(
    shop: Shop, clock: MovableClock, query: Callable[..., Any]
) -> None:
    stage = PaymentStage(title="Seat", description="One seat", price=30, max_payments=1)
    shop.neonpay.create_payment_stage("seat", stage)
    shop.neonpay.on_payment(name="deliver")(_take)
    await shop.neonpay.setup()
    link = (await shop.neonpay.create_payment_link("seat")).link or ""
    async with shop.polling(telegram_sends=["pre_checkout_query"]):
        for name in ("Ann", "Bob"):
            await (await shop.visitor(name, stars=30)).pays(link)
            clock.advance(61)  # an approval holds its seat for a minute
    await shop.neonpay.setup()
    for update in charges_of(shop):
        await shop.dispatcher.feed_update(shop.bot, update)
    await shop.neonpay.program.drain()

    assert await counts(query) == [(2, 1)]


def _charge_id(update: Update) -> str:
    assert update.message is not None
    assert update.message.successful_payment is not None
    return update.message.successful_payment.telegram_payment_charge_id


async def _take(_result: object) -> None: ...
