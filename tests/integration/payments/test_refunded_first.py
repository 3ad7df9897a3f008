"""Telegram tells of a refund before it tells of the payment: it is recorded as what it is, and never delivered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Update

from neonpay import PaymentResult
from neonpay.core.payments import Charge, RefundNotice
from neonpay.ledger.tables import early_refunds, events, jobs, journal, refunds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from neonpay.simulator import Outcome
    from tests.integration.conftest import Shop

    Query = Callable[..., Awaitable[list[tuple[Any, ...]]]]


def delivers(shop: Shop) -> list[str | None]:
    """What the shop delivers from now on."""
    delivered: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    return delivered


async def paid_unseen(shop: Shop, *, count: int = 1) -> list[Outcome]:
    """Sell to so many buyers while Telegram tells of checkouts alone."""
    async with shop.polling(telegram_sends=["pre_checkout_query"]):
        outcomes = []
        for number in range(count):
            buyer = await shop.visitor(f"Ann{number}")
            invoice = await shop.neonpay.create_payment_link("vip")
            outcomes.append(await buyer.pays(invoice.link or ""))
    return outcomes


async def refunded_elsewhere(shop: Shop, outcome: Outcome) -> None:
    (paid,) = [paid for paid in shop.telegram.payments(shop.account) if paid.charge_id == outcome.charge_id]
    await shop.bot.refund_star_payment(paid.user_id, paid.charge_id)


async def tells(shop: Shop, what: str, charge_id: str | None, *, to: Shop | None = None) -> None:
    """Hand a shop the update that Telegram has kept to itself."""
    for update in shop.telegram.updates(shop.account):
        message: Any = update.body.get("message", {})
        told = message.get(what)
        if told is not None and told["telegram_payment_charge_id"] == charge_id:
            there = to or shop
            await there.dispatcher.feed_update(there.bot, Update.model_validate(update.body))
            return
    raise AssertionError(what)


@pytest.mark.parametrize("worker", ["the same", "another"])
async def test_a_payment_that_was_refunded_first_is_recorded_and_never_delivered(
    open_shop: Callable[..., Shop], query: Query, worker: str
) -> None:
    shop = open_shop()
    other = shop if worker == "the same" else open_shop()
    delivered, elsewhere = delivers(shop), ([] if other is shop else delivers(other))
    (outcome,) = await paid_unseen(shop)
    await refunded_elsewhere(shop, outcome)

    await tells(shop, "refunded_payment", outcome.charge_id)
    await tells(shop, "successful_payment", outcome.charge_id, to=other)
    await other.neonpay.program.drain()
    await shop.neonpay.program.drain()

    payment = await other.neonpay.payments.get(outcome.charge_id or "")
    assert (payment.state, payment.attention, delivered, elsewhere) == ("refunded", None, [], [])
    assert await query(sa.select(jobs.c.consumer)) == []
    assert await query(sa.select(refunds.c.state, refunds.c.source, refunds.c.amount_stars)) == [
        ("refunded", "update", 50)
    ]
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    assert {account: int(stars) for account, stars in await query(accounts)} == {"stars": 0, "unsettled": 0}
    of_charge = sa.select(events.c.name).where(events.c.charge_id == outcome.charge_id)
    named = [name for (name,) in await query(of_charge.order_by(events.c.event_id))]
    assert named == ["refund_requested", "payment_refunded"]
    assert [event.name for event in other.facts if event.charge_id == outcome.charge_id] == named
    assert (await other.neonpay.books.verify()).is_clean
    assert await query(sa.select(early_refunds.c.charge_id)) == []


async def test_such_a_payment_that_is_told_of_again_changes_nothing(shop: Shop, query: Query) -> None:
    delivered = delivers(shop)
    (outcome,) = await paid_unseen(shop)
    await refunded_elsewhere(shop, outcome)
    for what in (
        "refunded_payment",
        "refunded_payment",
        "successful_payment",
        "successful_payment",
        "refunded_payment",
    ):
        await tells(shop, what, outcome.charge_id)
    await shop.neonpay.program.drain()

    assert delivered == []
    assert len(shop.named("payment_refunded")) == 1
    assert (await shop.neonpay.books.verify()).is_clean
    assert await query(sa.select(early_refunds.c.charge_id)) == []


async def test_refunding_such_a_payment_asks_telegram_for_nothing(shop: Shop) -> None:
    (outcome,) = await paid_unseen(shop)
    await refunded_elsewhere(shop, outcome)
    before = len(shop.telegram.calls("refundStarPayment"))
    await tells(shop, "refunded_payment", outcome.charge_id)
    await tells(shop, "successful_payment", outcome.charge_id)

    assert (await shop.neonpay.refund(outcome.charge_id or "")).state == "refunded"
    assert len(shop.telegram.calls("refundStarPayment")) == before


async def test_among_payments_that_are_recorded_together_one_was_refunded_first(shop: Shop, query: Query) -> None:
    delivered = delivers(shop)
    outcomes = await paid_unseen(shop, count=5)
    await refunded_elsewhere(shop, outcomes[2])
    await tells(shop, "refunded_payment", outcomes[2].charge_id)

    await asyncio.gather(*(tells(shop, "successful_payment", outcome.charge_id) for outcome in outcomes))
    await shop.neonpay.program.drain()

    charge_ids = [outcome.charge_id for outcome in outcomes]
    assert sorted(map(str, delivered)) == sorted(map(str, charge_ids[:2] + charge_ids[3:]))
    assert (await shop.neonpay.payments.get(charge_ids[2] or "")).state == "refunded"
    assert (await shop.neonpay.books.verify()).is_clean


async def test_a_refund_and_its_payment_that_come_at_once_end_as_a_refund(
    open_shop: Callable[..., Shop], query: Query
) -> None:
    shop, other = open_shop(), open_shop()
    delivers(shop)
    delivers(other)
    outcomes = await paid_unseen(shop, count=12)
    for outcome in outcomes:
        await refunded_elsewhere(shop, outcome)

    def both(outcome: Outcome, *, turned: bool) -> Sequence[Awaitable[None]]:
        told = [
            tells(shop, "refunded_payment", outcome.charge_id),
            tells(shop, "successful_payment", outcome.charge_id, to=other),
        ]
        return told[::-1] if turned else told

    for number, outcome in enumerate(outcomes):
        await asyncio.gather(*both(outcome, turned=number % 2 == 1))
    await shop.neonpay.program.drain()
    await other.neonpay.program.drain()

    states = [(await shop.neonpay.payments.get(outcome.charge_id or "")).state for outcome in outcomes]
    assert states == ["refunded"] * len(outcomes)
    assert await query(sa.select(early_refunds.c.charge_id)) == []
    assert (await shop.neonpay.books.verify()).is_clean


async def test_a_refund_that_comes_while_its_payment_is_being_written_waits_for_it(
    open_shop: Callable[..., Shop], query: Query, database_url: str
) -> None:
    """The handler holds the recording transaction open until the refund has been handed in."""
    shop, other = open_shop(), open_shop()
    (outcome,) = await paid_unseen(shop)
    await refunded_elsewhere(shop, outcome)
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    noted: list[asyncio.Future[None]] = []

    def begin() -> None:
        noted.append(asyncio.ensure_future(note()))
        begun.set()

    @shop.neonpay.on_payment(name="book")
    def book(result: PaymentResult, connection: sa.Connection) -> None:
        loop.call_soon_threadsafe(begin)  # the unit runs in another thread

    async def note() -> None:
        await tells(shop, "refunded_payment", outcome.charge_id, to=other)

    await tells(shop, "successful_payment", outcome.charge_id)
    async with asyncio.timeout(100):
        await begun.wait()
        await noted[0]
    payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert payment.state == "refunded"
    assert await query(sa.select(early_refunds.c.charge_id)) == []


async def test_a_refund_of_what_we_did_not_sell_is_not_kept(shop: Shop, query: Query) -> None:
    notice = RefundNotice(bot_id=shop.account.id, charge_id="theirs", user_id=7, amount=5, payload="order-17")
    await shop.neonpay.program.pipeline.entrance.refunded(notice)
    assert await query(sa.select(early_refunds.c.charge_id)) == []

    await shop.neonpay.program.pipeline.entrance.refunded(replace(notice, charge_id="ours", payload=f"np1.{'x' * 40}"))
    assert await query(sa.select(early_refunds.c.charge_id, early_refunds.c.amount_stars)) == [("ours", 5)]


async def test_a_payment_with_a_forged_payload_that_was_refunded_first_is_refunded(shop: Shop, query: Query) -> None:
    payload = f"np1.{'x' * 40}"
    charge = Charge(
        bot_id=shop.account.id, charge_id="c", user_id=7, amount=5, currency="XTR", payload=payload, paid_at_us=1
    )
    await shop.neonpay.program.pipeline.entrance.refunded(
        RefundNotice(bot_id=shop.account.id, charge_id="c", user_id=7, amount=5, payload=payload)
    )
    payment = await shop.neonpay.program.pipeline.entrance.charged(charge)

    assert payment is not None
    assert payment.state == "refunded"
    assert (await shop.neonpay.books.verify()).is_clean
