"""A blocked user buys nothing, and loses nothing that is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, ValidationError
from neonpay.core.clock import microseconds
from neonpay.core.payments import Charge
from neonpay.errors import SaleRefused
from neonpay.ledger.tables import invoices
from neonpay.security import ActionType, Rank

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop


def delivers(shop: Shop) -> list[int]:
    """Who got what they paid for."""
    delivered: list[int] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.user_id)

    return delivered


async def test_a_blocked_user_gets_no_invoice(shop: Shop, query: Callable[..., Any]) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.security.block_user(ann.id, reason="insults")
        with pytest.raises(SaleRefused) as refused:
            await shop.neonpay.send_payment(ann.id, "vip")
        with pytest.raises(SaleRefused):
            await shop.neonpay.send_payment(ann.id, "vip", anyone_may_pay=True)
        with pytest.raises(SaleRefused):
            await shop.neonpay.create_payment_link("vip", user_id=ann.id)
        await shop.neonpay.program.drain()

    assert (refused.value.reason, refused.value.user_id, refused.value.stage_id) == ("blocked", ann.id, "vip")
    assert refused.value.retry_after_s is None
    assert await query(sa.select(sa.func.count()).select_from(invoices)) == [(0,)]
    assert shop.telegram.calls("sendInvoice") == []
    assert [(event.user_id, event.reason) for event in shop.named("offer_refused")] == [(ann.id, "blocked")] * 3


async def test_a_user_blocked_after_the_invoice_is_declined_at_checkout(shop: Shop) -> None:
    delivers(shop)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        message = await ann.hears(shop.account)
        await shop.neonpay.security.block_user(ann.id)
        declined = await ann.pays(message)
        await shop.neonpay.security.unblock_user(ann.id)
        paid = await ann.pays(message)
        await shop.settles()

    assert (declined.status, declined.reason) == ("declined", "The seller does not sell to you.")
    assert paid.status == "paid"
    assert [event.reason for event in shop.named("checkout_declined")] == ["blocked"]


async def test_a_payment_of_somebody_blocked_after_checkout_is_recorded_and_delivered(shop: Shop) -> None:
    delivered = delivers(shop)
    await shop.neonpay.setup()
    shop.neonpay.security.set_rate_limit(ActionType.PAYMENT_COMPLETION, 1, 3600)

    @shop.neonpay.on("checkout_approved")
    async def block(event: Any) -> None:
        await shop.neonpay.security.block_user(event.user_id)

    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        await shop.fact("user_blocked")
        payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert outcome.status == "paid"
    assert payment.state == "accepted"
    assert delivered == [ann.id]


async def test_a_renewal_of_a_blocked_and_limited_user_is_recorded_and_delivered(shop: Shop) -> None:
    delivered = delivers(shop)
    async with shop.polling():
        ann = await shop.visitor()
        first = await shop.sells(ann)
        await shop.neonpay.security.block_user(ann.id)
        shop.neonpay.security.set_rate_limit(ActionType.PAYMENT_COMPLETION, 1, 3600)
        known = await shop.neonpay.payments.get(first.charge_id or "")
        charge = shop.neonpay.program.pipeline.entrance.charged
        renewal = await charge(_charge_like(known, "another charge"))
        await shop.settles()

    assert renewal is not None
    assert renewal.state == "accepted"
    assert delivered == [ann.id, ann.id]


def _charge_like(payment: Any, charge_id: str) -> Any:
    return Charge(
        bot_id=payment.bot_id,
        charge_id=charge_id,
        user_id=payment.user_id,
        amount=payment.amount_stars,
        currency=payment.currency,
        payload=payment.payload,
        paid_at_us=microseconds(payment.paid_at),
        is_recurring=True,
    )


async def test_a_block_with_a_duration_ends_by_itself(shop: Shop, clock: MovableClock) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        standing = await shop.neonpay.security.block_user(ann.id, 60)
        clock.advance(59)
        with pytest.raises(SaleRefused) as refused:
            await shop.neonpay.send_payment(ann.id, "vip")
        clock.advance(1)
        await shop.neonpay.send_payment(ann.id, "vip")

    assert refused.value.retry_after_s == pytest.approx(1)
    assert standing.until is not None
    assert standing.since is not None
    assert (standing.until - standing.since).total_seconds() == 60


async def test_a_block_without_a_duration_does_not_end_with_an_earlier_one(shop: Shop, clock: MovableClock) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.security.block_user(ann.id, 60)
        await shop.neonpay.security.block_user(ann.id)
        clock.advance(3600)
        with pytest.raises(SaleRefused):
            await shop.neonpay.send_payment(ann.id, "vip")


async def test_a_block_holds_in_every_worker_and_after_a_restart(open_shop: Callable[..., Shop]) -> None:
    first, second = open_shop(), open_shop()
    async with second.polling():
        ann = await second.visitor()
        await first.neonpay.security.block_user(ann.id)
        with pytest.raises(SaleRefused):
            await second.neonpay.send_payment(ann.id, "vip")
        await first.neonpay.close()
        with pytest.raises(SaleRefused):
            await first.neonpay.send_payment(ann.id, "vip")


async def test_a_block_is_one_bots(open_shop: Callable[..., Shop]) -> None:
    shop, other = open_shop(), open_shop(username="other_bot")
    async with shop.polling():
        ann = await shop.visitor()
        await other.neonpay.security.block_user(ann.id)
        await shop.neonpay.send_payment(ann.id, "vip")


async def test_decisions_are_facts_with_their_reason(shop: Shop) -> None:
    blocked = await shop.neonpay.security.block_user(7, reason="chargebacks")
    trusted = await shop.neonpay.security.trust_user(7)
    normal = await shop.neonpay.security.unblock_user(7)
    await shop.neonpay.program.drain()

    assert [one.rank for one in (blocked, trusted, normal)] == [Rank.BLOCKED, Rank.TRUSTED, Rank.NONE]
    assert [event.name for event in shop.facts] == ["user_blocked", "user_trusted", "user_unblocked"]
    assert shop.facts[0].reason == "chargebacks"


@pytest.mark.parametrize("duration", [0, -1, float("nan"), True])
async def test_a_block_lasts_some_time(shop: Shop, duration: Any) -> None:
    with pytest.raises(ValidationError, match="duration"):
        await shop.neonpay.security.block_user(7, duration)
