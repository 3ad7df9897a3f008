"""Paid periods that Telegram renews, and what it tells of them beside their payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import BotSubscriptionUpdated, Update

from neonpay import PaymentError, PaymentResult, TelegramError
from neonpay.core.clock import microseconds
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.core.payments import Charge
from neonpay.errors import PaymentNotFoundError
from neonpay.ledger.tables import events, subscriptions
from neonpay.testing import SimulatedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neonpay.simulator import Buyer, Simulator
    from tests.integration.conftest import MovableClock, Shop

_MONTHLY = {"subscription_period": SUBSCRIPTION_PERIOD_S}


@pytest.fixture
async def subscribed(shop: Shop) -> AsyncIterator[tuple[Shop, Buyer, str]]:
    """A running shop with a subscriber who pays 50 of 500 Stars a month."""

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=500)
        invoice = await shop.neonpay.create_payment_link("vip", options=_MONTHLY)
        outcome = await ann.pays(invoice.link or "")
        await shop.settles()
        yield shop, ann, outcome.charge_id or ""


async def told(query: Callable[..., Any]) -> list[tuple[str, str | None]]:
    """Names and charges of the events about subscriptions, in the ledger's order."""
    wanted = sa.select(events.c.name, events.c.charge_id).where(events.c.name.startswith("subscription_"))
    return [(name, charge_id) for name, charge_id in await query(wanted.order_by(events.c.event_id))]


async def test_a_repeated_update_of_a_subscription_is_recorded_once(
    subscribed: tuple[Shop, Buyer, str], query: Callable[..., Any]
) -> None:
    shop, ann, charge_id = subscribed
    await ann.cancels_subscription(charge_id)
    await shop.settles()
    (update,) = [update for update in shop.telegram.updates(shop.account) if update.kind == "subscription"]
    await shop.telegram.redeliver(update.update_id, shop.account)
    await shop.telegram.redeliver(update.update_id, shop.account, new_id=True)
    await shop.settles()

    assert await told(query) == [("subscription_canceled", charge_id)]
    assert list(await query(sa.select(subscriptions.c.user_id, subscriptions.c.state))) == [(ann.id, "canceled")]


async def test_the_same_word_about_another_period_is_news(
    subscribed: tuple[Shop, Buyer, str], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop, ann, charge_id = subscribed
    for _ in range(2):
        ann.has_stars(0)
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
        await shop.settles()
        clock.advance(SUBSCRIPTION_PERIOD_S)
        ann.gets_stars(50)
        await shop.settles()
        clock.advance(1)

    assert await told(query) == [("subscription_failed", charge_id)] * 2
    assert [payment.is_first_recurring for payment in await shop.neonpay.payments.history(ann.id)] == [
        False,
        False,
        True,
    ]


async def test_a_subscription_is_named_by_the_first_charge_of_its_own_run(
    subscribed: tuple[Shop, Buyer, str], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop, ann, first = subscribed
    await ann.cancels_subscription(first)
    await shop.settles()
    clock.advance(SUBSCRIPTION_PERIOD_S)
    await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
    again = await ann.pays(ann.subscriptions(shop.account)[0].invoice.link or "")
    await shop.settles()

    ended = await shop.neonpay.subscriptions.cancel(again.charge_id or "")
    assert ended.charge_id == again.charge_id != first
    (call,) = shop.telegram.calls("editUserStarSubscription")
    assert call.params["telegram_payment_charge_id"] == again.charge_id
    await shop.settles()
    assert await told(query) == [("subscription_canceled", first), ("subscription_canceled", again.charge_id)]


async def test_a_subscription_is_active_until_its_period_is_over(
    subscribed: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, charge_id = subscribed
    found = await shop.neonpay.subscriptions.active(ann.id)
    assert found is not None
    assert (found.payment.charge_id, found.renews) == (charge_id, True)
    assert found.expires_at == found.payment.subscription_expires_at
    assert await shop.neonpay.subscriptions.active(ann.id, stage_id="vip") == found
    assert await shop.neonpay.subscriptions.active(ann.id, stage_id="gold") is None
    assert await shop.neonpay.subscriptions.active(ann.id + 1) is None

    await ann.cancels_subscription(charge_id)
    await shop.settles()
    ending = await shop.neonpay.subscriptions.active(ann.id)
    assert ending is not None
    assert (ending.expires_at, ending.renews) == (found.expires_at, False)

    clock.advance((microseconds(found.expires_at) - clock.now_us()) // 1_000_000 - 600)
    assert await shop.neonpay.subscriptions.active(ann.id) is not None
    clock.advance(601)
    assert await shop.neonpay.subscriptions.active(ann.id) is None


async def looks_for_ends(shop: Shop) -> None:
    pipeline = shop.neonpay.program.pipeline
    task = pipeline.subscription_ends.task
    async with pipeline.periodic_store.turn(task.name, patience_s=30, next_in_s=3600) as turn:
        await task.work(turn)


async def looks_until(shop: Shop, clock: MovableClock, at_us: int) -> None:
    """Look every ten minutes, as a shop does that is at work, from an hour and a half before."""
    clock.advance((at_us - clock.now_us()) // 1_000_000 - 5_400)
    while clock.now_us() < at_us:
        await looks_for_ends(shop)
        clock.advance(600)


async def test_the_end_of_a_subscription_is_told_once_and_an_hour_after_its_period(
    subscribed: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, charge_id = subscribed
    await ann.cancels_subscription(charge_id)
    await shop.settles()
    found = await shop.neonpay.subscriptions.active(ann.id)
    assert found is not None
    await looks_until(shop, clock, microseconds(found.expires_at) + 3_000 * 1_000_000)
    assert shop.named("subscription_ended") == [], "the next period may have been paid, and its update be on its way"
    for _ in range(5):
        clock.advance(600)
        await looks_for_ends(shop)
    await shop.settles()
    (ended,) = shop.named("subscription_ended")
    assert (ended.user_id, ended.stage_id, ended.charge_id, ended.reason) == (ann.id, "vip", charge_id, "canceled")


async def test_a_subscription_that_goes_on_has_not_ended(
    subscribed: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, _ = subscribed
    await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
    await shop.settles()
    ends = [payment.subscription_expires_at for payment in await shop.neonpay.payments.history(ann.id)]
    second, first = [microseconds(at) for at in ends if at is not None]
    await looks_until(shop, clock, first + 8_000 * 1_000_000)
    await shop.settles()
    assert shop.named("subscription_ended") == []
    await looks_until(shop, clock, second + 8_000 * 1_000_000)
    assert (await shop.fact("subscription_ended")).reason is None


async def test_after_an_outage_the_renewals_of_that_time_arrive_first(
    subscribed: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, _ = subscribed
    await looks_for_ends(shop)
    found = await shop.neonpay.subscriptions.active(ann.id)
    assert found is not None
    clock.advance((microseconds(found.expires_at) - clock.now_us()) // 1_000_000 + 2 * 86_400)
    await looks_for_ends(shop)
    assert shop.named("subscription_ended") == [], "the shop was away, and the renewal may be on its way"
    for _ in range(8):
        clock.advance(600)
        await looks_for_ends(shop)
    assert (await shop.fact("subscription_ended")).user_id == ann.id


async def test_with_a_simulator_s_time_the_end_is_told_when_the_hour_has_been_jumped_over(
    open_shop: Callable[..., Shop], telegram: Simulator
) -> None:
    """A month that passes at once is no absence, so nobody has to let the hour after it pass in small steps."""
    shop = open_shop(clock=SimulatedClock(telegram.clock))

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=500)
        link = await shop.neonpay.create_payment_link("vip", options=_MONTHLY)
        charge_id = (await ann.pays(link.link or "")).charge_id or ""
        await looks_for_ends(shop)
        await telegram.advance(days=31)
        await looks_for_ends(shop)
        await shop.settles()
        await looks_for_ends(shop)
        assert shop.named("subscription_ended") == [], "it was renewed"
        await ann.cancels_subscription(charge_id)
        await telegram.advance(days=30)
        await looks_for_ends(shop)
        await telegram.advance(hours=2)
        await looks_for_ends(shop)
        await looks_for_ends(shop)
        ended = await shop.fact("subscription_ended")
        assert (ended.user_id, ended.reason) == (ann.id, "canceled")


async def test_a_period_that_is_recorded_after_its_end_has_ended(
    subscribed: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, _ = subscribed
    clock.advance(365 * 86_400)
    for _ in range(8):
        await looks_for_ends(shop)
        clock.advance(600)
    (payment,) = await shop.neonpay.payments.history(ann.id)
    expired_us = clock.now_us() - 86_400 * 1_000_000
    late = Charge(
        bot_id=shop.account.id,
        charge_id="late",
        user_id=ann.id,
        amount=50,
        currency="XTR",
        payload=payment.payload,
        paid_at_us=expired_us - SUBSCRIPTION_PERIOD_S * 1_000_000,
        is_recurring=True,
        subscription_expires_at_us=expired_us,
    )
    await shop.neonpay.program.pipeline.entrance.charged(late)
    for _ in range(2):
        clock.advance(600)
        await looks_for_ends(shop)
    await shop.settles()
    assert [event.charge_id for event in shop.named("subscription_ended") if event.charge_id == "late"] == ["late"]


async def test_a_refunded_period_is_no_subscription(subscribed: tuple[Shop, Buyer, str]) -> None:
    shop, ann, charge_id = subscribed
    await shop.neonpay.refund(charge_id)
    assert await shop.neonpay.subscriptions.active(ann.id) is None


async def test_only_a_subscription_can_be_ended(subscribed: tuple[Shop, Buyer, str]) -> None:
    shop, _, _ = subscribed
    single = await shop.sells(await shop.visitor("Bob"))
    with pytest.raises(PaymentError, match="no payment of a subscription"):
        await shop.neonpay.subscriptions.cancel(single.charge_id or "")
    with pytest.raises(PaymentNotFoundError):
        await shop.neonpay.subscriptions.cancel("stx-of-nobody")
    assert shop.telegram.calls("editUserStarSubscription") == []


async def test_a_refusal_of_telegrams_changes_nothing(
    subscribed: tuple[Shop, Buyer, str], query: Callable[..., Any]
) -> None:
    shop, ann, charge_id = subscribed
    shop.telegram.faults.fail("editUserStarSubscription", error_code=400, description="Bad Request: USER_ID_INVALID")
    with pytest.raises(TelegramError, match="USER_ID_INVALID"):
        await shop.neonpay.subscriptions.cancel(charge_id)
    assert await told(query) == []
    assert ann.subscriptions(shop.account)[0].state == "active"


async def test_subscriptions_that_were_not_made_here_are_the_hosts(subscribed: tuple[Shop, Buyer, str]) -> None:
    shop, ann, _ = subscribed
    heard: list[str] = []

    async def changed(change: BotSubscriptionUpdated) -> None:
        heard.append(change.invoice_payload)

    shop.dispatcher.subscription.register(changed)
    body = {"user": {"id": ann.id, "is_bot": False, "first_name": "Ann"}, "state": "canceled"}
    theirs = {"update_id": 1, "subscription": {**body, "invoice_payload": "club-7"}}
    await shop.dispatcher.feed_update(shop.bot, Update.model_validate(theirs))
    assert heard == ["club-7"]


@pytest.mark.parametrize(("change", "complaint"), [("payload", "not made here"), ("state", "does not know")])
async def test_a_forged_or_unknown_word_of_a_subscription_is_written_nowhere(
    subscribed: tuple[Shop, Buyer, str],
    query: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    change: str,
    complaint: str,
) -> None:
    shop, ann, charge_id = subscribed
    payload = (await shop.neonpay.payments.get(charge_id)).payload
    body = {"user": {"id": ann.id, "is_bot": False, "first_name": "Ann"}, "state": "canceled"}
    body |= {"invoice_payload": payload[:-4] + "AAAA"} if change == "payload" else {"state": "paused"}
    update = {"update_id": 1, "subscription": {"invoice_payload": payload, **body}}
    await shop.dispatcher.feed_raw_update(shop.bot, update)
    assert await told(query) == []
    assert complaint in caplog.text
