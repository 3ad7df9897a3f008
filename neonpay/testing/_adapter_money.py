"""From an invoice to goods, or back."""

from __future__ import annotations

import asyncio
from typing import Any

from neonpay.core.checkout import CheckoutRefused
from neonpay.core.jsontext import JsonValue
from neonpay.testing._adapter_base import AdapterFixtures, ShopUnderTest


class MoneyRules(AdapterFixtures):
    """Stars become goods once, or go back."""

    async def test_an_invoice_reaches_telegram_as_its_stage_says(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        message = await shop.invoices(buyer)
        (call,) = shop.telegram.calls("sendInvoice")
        sent = call.params
        assert (sent["chat_id"], sent["title"], sent["description"]) == (buyer.id, "VIP", "A month of VIP")
        assert (sent["currency"], [price["amount"] for price in _listed(sent["prices"])]) == ("XTR", [50])
        assert not sent.get("provider_token")
        assert 1 <= len(str(sent["payload"]).encode()) <= 128
        assert (message.invoice.title, message.invoice.total_amount) == ("VIP", 50)

    async def test_a_link_can_be_paid_by_whoever_has_it(self, shop: ShopUnderTest) -> None:
        offer = await shop.do(shop.neonpay.create_payment_link, "vip")
        outcome = await (await shop.visitor()).pays(offer.link or "")
        (result,) = await shop.delivered.has()
        assert (outcome.status, result.transaction_id) == ("paid", outcome.charge_id)

    async def test_a_payment_is_recorded_and_delivered_with_what_telegram_says(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        outcome = await shop.sells(buyer)
        (result,) = shop.delivered.all
        assert (result.user_id, result.amount, result.currency, result.stage_id) == (buyer.id, 50, "XTR", "vip")
        assert (result.metadata["days"], result.is_recurring) == (30, False)
        (payment,) = await shop.do(shop.neonpay.payments.list)
        (theirs,) = shop.telegram.payments(shop.account)
        assert payment.charge_id == theirs.charge_id == outcome.charge_id
        assert int(payment.paid_at.timestamp()) == int(theirs.paid_at.timestamp())

    async def test_a_hook_declines_with_its_own_words(self, shop: ShopUnderTest) -> None:
        @shop.neonpay.on_pre_checkout
        async def members_only() -> None:
            raise CheckoutRefused("Only for members.")

        buyer = await shop.visitor()
        outcome = await buyer.pays(await shop.invoices(buyer))
        assert (outcome.status, outcome.reason, buyer.stars) == ("declined", "Only for members.", 1000)

    async def test_a_checkout_that_is_not_decided_in_time_is_declined(self, open_shop: Any) -> None:
        shop: ShopUnderTest = open_shop(checkout_budget_s=0.2)

        @shop.neonpay.on_pre_checkout
        async def never() -> None:
            await asyncio.get_running_loop().create_future()

        await shop.host.start()
        buyer = await shop.visitor()
        outcome = await buyer.pays(await shop.invoices(buyer))
        assert (outcome.status, buyer.stars) == ("declined", 1000)

    async def test_a_stale_checkout_moves_nothing_and_disturbs_nobody(self, open_shop: Any) -> None:
        first: ShopUnderTest = open_shop()
        await first.host.start()
        buyer = await first.visitor()
        invoice = await first.invoices(buyer)
        await first.host.stop()
        checkout = await buyer.begins_to_pay(invoice)
        await first.telegram.advance(15)
        assert (await checkout.outcome()).status == "timed_out"

        second: ShopUnderTest = open_shop()
        await second.host.start()
        await second.sells(buyer)
        assert buyer.stars == 950

    async def test_a_repeated_update_is_delivered_once(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        outcome = await shop.sells(buyer)
        paid = _update_with(shop, "successful_payment")
        # New ids, because libraries drop ids that they have had; three at once meet each other on the way.
        for _ in range(3):
            await shop.telegram.redeliver(paid, shop.account, new_id=True)
        await shop.telegram.idle(shop.account)
        fence = await shop.sells(buyer)
        await shop.do(shop.neonpay.program.drain)
        assert [result.transaction_id for result in shop.delivered.all] == [outcome.charge_id, fence.charge_id]
        assert len(await shop.do(shop.neonpay.payments.list)) == 2

    async def test_an_invoice_that_is_paid_twice_is_two_payments(self, shop: ShopUnderTest) -> None:
        offer = await shop.do(shop.neonpay.create_payment_link, "vip")
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        outcomes = await asyncio.gather(ann.pays(offer.link or ""), bob.pays(offer.link or ""))
        results = await shop.delivered.has(count=2)
        assert {result.transaction_id for result in results} == {outcome.charge_id for outcome in outcomes}

    async def test_a_forged_payload_is_declined(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        await shop.invoices(buyer)
        (call,) = shop.telegram.calls("sendInvoice")
        forged = {**call.params, "prices": [{"label": "VIP", "amount": 1}]}
        async with shop.telegram_client() as client:
            await client.call("sendInvoice", forged)  # type: ignore[arg-type]  # what was sent is JSON
        cheap = await buyer.hears(
            shop.account, predicate=lambda m: m.invoice is not None and m.invoice.total_amount == 1
        )
        outcome = await buyer.pays(cheap)
        assert (outcome.status, buyer.stars) == ("declined", 1000)

    async def test_a_refund_of_ours_gives_the_stars_back_and_revokes(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        charge_id = (await shop.sells(buyer)).charge_id or ""
        await shop.do(shop.neonpay.refund, charge_id, reason="asked for")
        assert await shop.revoked.has() == [charge_id]
        assert (buyer.stars, await shop.state(charge_id)) == (1000, "refunded")

    async def test_a_refund_seen_from_outside_revokes_too(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        charge_id = (await shop.sells(buyer)).charge_id or ""
        async with shop.telegram_client() as client:
            params: dict[str, JsonValue] = {"user_id": buyer.id, "telegram_payment_charge_id": charge_id}
            await client.call("refundStarPayment", params)
        if not shop.neonpay.program.capabilities().refund_updates:
            await shop.do(shop.neonpay.books.reconcile, grace_s=0)
        assert await shop.revoked.has() == [charge_id]
        await shop.do(shop.neonpay.program.drain)
        assert await shop.state(charge_id) == "refunded"
        assert shop.revoked.all == [charge_id]

    async def test_the_ledger_and_telegram_agree_whatever_else_moved_stars(self, shop: ShopUnderTest) -> None:
        treasury = shop.telegram.treasury(shop.account)
        await shop.sells(await shop.visitor())
        treasury.withdraws(20).succeeds()
        report = await shop.do(shop.neonpay.books.reconcile, grace_s=0)
        assert (report.recovered, report.drift_stars) == (0, 0)
        balance = await shop.do(shop.neonpay.program.adapter.call, "getMyStarBalance", {})
        assert balance == {"amount": 30}

    async def test_a_payment_made_while_the_bot_is_off_is_delivered_when_it_is_back(self, open_shop: Any) -> None:
        charge_id = await _paid_while_off(open_shop)
        second: ShopUnderTest = open_shop()
        await second.host.start()
        if not second.neonpay.program.capabilities().missed_updates:
            await second.do(second.neonpay.books.reconcile, grace_s=0)
        assert [result.transaction_id for result in await second.delivered.has()] == [charge_id]

    async def test_a_payment_whose_update_is_lost_is_found_in_telegrams_list(self, open_shop: Any) -> None:
        charge_id = await _paid_while_off(open_shop)
        second: ShopUnderTest = open_shop()
        async with second.telegram_client() as client:
            await client.call("getUpdates", {"offset": _update_with(second, "successful_payment") + 1})
        await second.host.start()
        report = await second.do(second.neonpay.books.reconcile, grace_s=0)
        assert report.recovered == 1
        assert [result.transaction_id for result in await second.delivered.has()] == [charge_id]


async def _paid_while_off(open_shop: Any) -> str:
    """The charge of a payment that Telegram took when the bot had let it pass and was gone."""
    shop: ShopUnderTest = open_shop()
    await shop.host.start()
    buyer = await shop.visitor()
    invoice = await shop.invoices(buyer)
    await shop.host.stop()
    checkout = await buyer.begins_to_pay(invoice)
    async with shop.telegram_client() as client:
        await client.call("answerPreCheckoutQuery", {"pre_checkout_query_id": checkout.query_id, "ok": True})
    outcome = await checkout.outcome()
    assert (outcome.status, shop.delivered.all) == ("paid", [])
    return outcome.charge_id or ""


def _listed(value: object) -> list[dict[str, Any]]:
    assert isinstance(value, list)
    return value


def _update_with(shop: ShopUnderTest, field: str) -> int:
    (update_id,) = [
        update.update_id
        for update in shop.telegram.updates(shop.account)
        if update.kind == "message" and field in update.payload
    ]
    return update_id
