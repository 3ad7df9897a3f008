"""Periods that renew, and media that are paid for: what moves Stars without an invoice message and a checkout each time."""

from __future__ import annotations

from typing import Any

from neonpay.core.events import Event
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.simulator import Buyer
from neonpay.testing._adapter_base import AdapterFixtures, ShopUnderTest
from neonpay.testing.adapter_host import Noted

_MEDIA_PAYLOAD = "pictures-of-the-hosts-own"
_PHOTO = {"type": "photo", "media": "https://example.com/picture.jpg"}


class SubscriptionRules(AdapterFixtures):
    """Every period is a payment, and who ends a subscription is told of; bought media disturb nobody."""

    async def test_every_period_of_a_subscription_is_delivered(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        first = await _subscribes(shop, buyer)
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
        results = await shop.delivered.has(count=2)
        renewal = results[1].transaction_id
        assert [result.transaction_id for result in results] == [first, renewal]
        assert [result.is_recurring for result in results] == [True, True]
        assert renewal != first
        assert [await shop.state(str(result.transaction_id)) for result in results] == ["accepted", "accepted"]
        assert [update.kind for update in shop.telegram.updates(shop.account)].count("pre_checkout_query") == 1

    async def test_the_program_cancels_a_subscription_by_any_of_its_charges_and_allows_it_again(
        self, shop: ShopUnderTest
    ) -> None:
        buyer = await shop.visitor()
        first = await _subscribes(shop, buyer)
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
        renewal = str((await shop.delivered.has(count=2))[1].transaction_id)
        told = _told(shop)

        payment = await shop.do(shop.neonpay.subscriptions.cancel, renewal)
        assert (payment.charge_id, _standing(shop, buyer)) == (first, "canceled")
        await shop.do(shop.neonpay.subscriptions.cancel, renewal)  # it is so already
        await shop.do(shop.neonpay.subscriptions.allow, first)
        await buyer.restores_subscription(first)
        assert _standing(shop, buyer) == "active"
        calls = shop.telegram.calls("editUserStarSubscription")
        # A form has only words.
        assert [str(call.params["is_canceled"]).lower() for call in calls] == ["true", "true", "false"]
        ended = next(iter(await told.has()))
        assert (ended.name, ended.reason) == ("subscription_canceled", "by the program")
        assert (ended.user_id, ended.stage_id, ended.charge_id) == (buyer.id, "vip", first)
        assert [event.name for event in told.all].count("subscription_canceled") == 1

    async def test_the_owner_is_told_when_a_buyer_ends_a_subscription(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        first = await _subscribes(shop, buyer)
        told = _told(shop)
        await buyer.cancels_subscription(first)
        if shop.neonpay.program.capabilities().subscription_updates:
            await told.has(lambda event: event.name == "subscription_canceled")
        await buyer.restores_subscription(first)
        if shop.neonpay.program.capabilities().subscription_updates:
            await told.has(lambda event: event.name == "subscription_restored")
        await shop.sells(buyer)
        await shop.do(shop.neonpay.program.drain)
        expected = ["subscription_canceled", "subscription_restored"]
        if not shop.neonpay.program.capabilities().subscription_updates:
            expected = []
        assert [(event.name, event.charge_id) for event in told.all] == [(name, first) for name in expected]
        assert set(shop.host.heard.all) == {"text:/start"}

    async def test_a_subscription_that_could_not_be_renewed_is_told_of_and_goes_on_when_it_is_paid(
        self, shop: ShopUnderTest
    ) -> None:
        buyer = await shop.visitor()
        first = await _subscribes(shop, buyer)
        told = _told(shop)
        buyer.has_stars(0)
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
        if shop.neonpay.program.capabilities().subscription_updates:
            (event,) = await told.has()
            assert (event.name, event.charge_id) == ("subscription_failed", first)
        buyer.gets_stars(50)
        await shop.delivered.has(count=2)
        assert buyer.stars == 0

    async def test_bought_media_reach_the_host_and_keep_no_payment_waiting(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        params: dict[str, Any] = {
            "chat_id": buyer.id,
            "star_count": 20,
            "media": [_PHOTO],
            "payload": _MEDIA_PAYLOAD,
        }
        await shop.do(shop.neonpay.call, "sendPaidMedia", params)
        outcome = await buyer.buys(
            await buyer.hears(shop.account, predicate=lambda message: message.paid_media is not None)
        )
        assert outcome.status == "paid"
        await shop.sells(buyer)
        if shop.host.tells_of_bought_media:
            await shop.host.heard.has(lambda word: word == f"bought:{_MEDIA_PAYLOAD}")
        report = await shop.do(shop.neonpay.books.reconcile, grace_s=0)
        assert (report.recovered, report.drift_stars, shop.telegram.balance(shop.account)) == (0, 0, 70)


async def _subscribes(shop: ShopUnderTest, buyer: Buyer) -> str:
    """Pay for the first period; its charge id."""
    options = {"subscription_period": SUBSCRIPTION_PERIOD_S}
    invoice = await shop.do(shop.neonpay.create_payment_link, "vip", options=options)
    outcome = await buyer.pays(invoice.link or "")
    assert outcome.status == "paid", outcome
    await shop.delivered.has()
    return outcome.charge_id or ""


def _told(shop: ShopUnderTest) -> Noted[Event]:
    """What is told of subscriptions from now on."""
    told: Noted[Event] = Noted()
    for name in ("subscription_canceled", "subscription_restored", "subscription_failed"):
        shop.neonpay.on(name)(told.add)
    return told


def _standing(shop: ShopUnderTest, buyer: Buyer) -> str:
    (subscription,) = buyer.subscriptions(shop.account)
    return subscription.state
