"""Payments whose update never came are found in Telegram's list of transactions, recorded and delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay import PaymentResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Outcome
    from tests.integration.conftest import Shop


def notes_deliveries(shop: Shop) -> list[PaymentResult]:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    return delivered


async def sells_unseen(shop: Shop, **options: object) -> Outcome:
    """Sell something whose update Telegram keeps to itself."""
    async with shop.polling(allowed_updates=["pre_checkout_query"]):
        ann = await shop.visitor()
        invoice = await shop.neonpay.create_payment_link("vip", **options)  # type: ignore[arg-type]
        return await ann.pays(invoice.link or "")


async def test_a_payment_whose_update_was_lost_is_recorded_and_delivered(open_shop: Callable[..., Shop]) -> None:
    outcome = await sells_unseen(open_shop())
    shop = open_shop()
    delivered = notes_deliveries(shop)

    report = await shop.neonpay.reconcile(grace_s=0)
    await shop.neonpay.drain()
    payment = await shop.neonpay.get_payment(outcome.charge_id or "")

    assert (report.checked, report.recovered, report.is_complete, report.is_clean) == (1, 1, True, True)
    assert (report.balance_stars, report.drift_stars) == (50, 0)
    assert [(result.transaction_id, result.metadata) for result in delivered] == [(outcome.charge_id, {"days": 30})]
    assert (payment.source, payment.state, payment.amount_stars) == ("reconcile", "accepted", 50)
    assert len(shop.named("payment_completed")) == 1
