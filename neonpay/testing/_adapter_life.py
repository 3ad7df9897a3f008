"""Starting, stopping and starting again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from neonpay import PaymentResult
from neonpay.errors import AdapterError
from neonpay.testing._adapter_base import AdapterFixtures, ShopUnderTest
from neonpay.testing.adapter_host import Noted


class LifeRules(AdapterFixtures):
    """A bot may stop at any time."""

    async def test_a_bot_that_starts_again_goes_on_selling(self, open_shop: Callable[..., ShopUnderTest]) -> None:
        first = open_shop()
        await first.host.start()
        buyer = await first.visitor()
        invoice = await first.invoices(buyer)
        await first.host.stop()

        second = open_shop()
        await second.host.start()
        outcome = await buyer.pays(invoice)
        (result,) = await second.delivered.has()
        assert (outcome.status, result.transaction_id) == ("paid", outcome.charge_id)

    async def test_what_is_unfinished_is_taken_up_without_an_update(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        killed = open_shop(grace_s=0)
        begun: Noted[str] = Noted()

        async def deliver_for_ever(result: PaymentResult) -> None:
            begun.add(str(result.transaction_id))
            await asyncio.Event().wait()

        killed.neonpay.on_payment(name="deliver_slowly")(deliver_for_ever)
        await killed.host.start()
        outcome = await killed.sells(await killed.visitor())
        await begun.has()
        await killed.host.stop()

        delivered: Noted[str] = Noted()

        async def deliver(result: PaymentResult) -> None:
            delivered.add(str(result.transaction_id))

        after = open_shop(start_after_s=0)
        after.neonpay.on_payment(name="deliver_slowly")(deliver)
        assert await delivered.has() == [outcome.charge_id]

    async def test_a_bot_has_one_shop_at_a_time(self, open_shop: Callable[..., ShopUnderTest]) -> None:
        shop = open_shop()
        if not shop.host.runs_without_neonpay:
            return  # a token is no object that could know
        await shop.host.start()
        with pytest.raises(AdapterError, match=r"from shop import neonpay"):
            shop.host.join(**shop.options)
        assert (await shop.sells(await shop.visitor())).status == "paid"

        await shop.do(shop.neonpay.close)
        shop.join()
        assert (await shop.sells(await shop.visitor("Bob"))).status == "paid"

    async def test_closing_twice_is_harmless(self, shop: ShopUnderTest) -> None:
        await shop.sells(await shop.visitor())
        await shop.do(shop.neonpay.close)
        await shop.do(shop.neonpay.close)
        await shop.host.stop()
        await shop.host.stop()

    async def test_a_bot_that_was_never_started_can_send_invoices_and_close(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        seller = open_shop()
        offer = await seller.do(seller.neonpay.create_payment_link, "vip")
        await seller.host.stop()

        shop = open_shop()
        await shop.host.start()
        outcome = await (await shop.visitor()).pays(offer.link or "")
        await shop.delivered.has()
        assert outcome.status == "paid"

    async def test_it_says_what_it_is(self, shop: ShopUnderTest) -> None:
        bot_id = int(shop.account.token.partition(":")[0])
        stats = shop.neonpay.get_stats()
        assert (shop.neonpay.program.adapter.bot_id, stats["bot_id"]) == (bot_id, bot_id)
        assert stats["level"] == shop.neonpay.program.capabilities().level
        assert stats["library"] == shop.neonpay.program.adapter.library
