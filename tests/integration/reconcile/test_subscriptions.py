"""A recovered payment of a subscription is the first one of its buyer, or a renewal, whoever else uses the link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay import PaymentStage
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.core.stages import RepeatPolicy
from tests.integration.reconcile.conftest import notes_deliveries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

_MONTHLY = {"subscription_period": SUBSCRIPTION_PERIOD_S}


async def test_every_recovered_subscriber_of_a_link_has_a_first_payment(open_shop: Callable[..., Shop]) -> None:
    unseen = open_shop()
    async with unseen.polling(telegram_sends=["pre_checkout_query"]):
        invoice = await unseen.neonpay.create_payment_link("vip", options=_MONTHLY)
        buyers = [await unseen.visitor(name) for name in ("Ann", "Bob", "Cid")]
        charges = [(await buyer.pays(invoice.link or "")).charge_id or "" for buyer in buyers]
        await unseen.telegram.advance(SUBSCRIPTION_PERIOD_S)

    shop = open_shop()
    notes_deliveries(shop)
    report = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()

    assert (report.recovered, report.is_clean) == (6, True)
    for buyer, charge_id in zip(buyers, charges, strict=True):
        renewal, first = await shop.neonpay.payments.history(buyer.id)
        assert (first.charge_id, first.is_first_recurring) == (charge_id, True)
        assert (renewal.is_recurring, renewal.is_first_recurring) == (True, False)
        ended = await shop.neonpay.subscriptions.cancel(renewal.charge_id)
        assert ended.charge_id == charge_id


async def test_what_a_second_subscriber_means_is_for_the_stage_to_say(open_shop: Callable[..., Shop]) -> None:
    monthly = PaymentStage(title="Club", description="A month", price=50, repeat=RepeatPolicy.REFUND)
    unseen = open_shop()
    unseen.neonpay.create_payment_stage("club", monthly)
    async with unseen.polling(telegram_sends=["pre_checkout_query"]):
        invoice = await unseen.neonpay.create_payment_link("club", options=_MONTHLY)
        ann, bob = await unseen.visitor("Ann"), await unseen.visitor("Bob")
        await ann.pays(invoice.link or "")
        second = await bob.pays(invoice.link or "")
        await unseen.telegram.advance(SUBSCRIPTION_PERIOD_S)

    shop = open_shop()
    shop.neonpay.create_payment_stage("club", monthly)
    delivered = notes_deliveries(shop)
    await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()

    assert (await shop.neonpay.payments.get(second.charge_id or "")).state in {"refund_due", "refunded"}
    assert {result.user_id for result in delivered} >= {ann.id}
