"""The host notices nothing of us but that its payments are taken care of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiogram.types import Message

from neonpay.core.limits import MESSAGES_PER_S
from neonpay.simulator import Buyer
from neonpay.telegram.outbox import QUEUED_FOR_ONE
from neonpay.telegram.pacing import CHAT_BURST
from neonpay.testing._adapter_base import AdapterFixtures, ShopUnderTest
from neonpay.testing.adapter_host import BUSY, BUY

_FOREIGN = "order-17"
_TAPS = 20
_HELD_S = 50
"""How long a chat has to wait: longer than a rule takes, and short enough to be worth a place in its queue."""


class MannerRules(AdapterFixtures):
    """What is ours never reaches the host, and everything else does."""

    async def test_handlers_that_take_everything_neither_take_a_payment_nor_see_one(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        outcome = await shop.sells(buyer)
        await shop.do(shop.neonpay.refund, outcome.charge_id or "")
        await shop.revoked.has()
        await buyer.says("hello", to=shop.account)
        await shop.host.heard.has(lambda word: word == "text:hello")
        assert set(shop.host.heard.all) == {"text:/start", "text:hello"}

    async def test_neonpay_may_join_a_bot_that_runs(self, open_shop: Callable[..., ShopUnderTest]) -> None:
        shop = open_shop(joins=False)
        if not shop.host.runs_without_neonpay:
            shop.join()
        await shop.host.start()
        buyer = await shop.visitor()
        await shop.host.heard.has(lambda word: word == "text:/start")
        if shop.host.runs_without_neonpay:
            shop.join()
        outcome = await shop.sells(buyer)
        await shop.do(shop.neonpay.refund, outcome.charge_id or "")
        await shop.revoked.has()
        await buyer.says("hello", to=shop.account)
        await shop.host.heard.has(lambda word: word == "text:hello")
        assert set(shop.host.heard.all) == {"text:/start", "text:hello"}

    async def test_invoices_of_the_hosts_own_stay_its_own(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        outcome = await buyer.pays(await _foreign_invoice(shop, buyer))
        await shop.host.heard.has(lambda word: word == f"paid:{_FOREIGN}")
        assert (outcome.status, shop.host.heard.all.count(f"checkout:{_FOREIGN}")) == ("paid", 1)
        await shop.sells(buyer)
        assert [payment.amount_stars for payment in await shop.do(shop.neonpay.payments.list)] == [50]

    async def test_card_payments_of_the_host_stay_its_own(self, shop: ShopUnderTest) -> None:
        buyer = await shop.visitor()
        card = {"currency": "USD", "provider_token": "1:TEST:2", "prices": [{"label": "Coffee", "amount": 350}]}
        outcome = await buyer.pays(await _foreign_invoice(shop, buyer, **card))
        await shop.host.heard.has(lambda word: word == f"paid:{_FOREIGN}")
        assert (outcome.status, shop.host.heard.all.count(f"checkout:{_FOREIGN}")) == ("paid", 1)
        assert await shop.do(shop.neonpay.payments.list) == []

    async def test_a_busy_handler_of_the_host_delays_no_checkout_and_no_delivery(self, shop: ShopUnderTest) -> None:
        people = [await shop.visitor(name) for name in ("Ann", "Bob", "Cid", "Dee")]
        for person in people:
            await person.says(BUSY, to=shop.account)
        await shop.host.heard.has(lambda word: word == f"text:{BUSY}")
        await shop.sells(people[0])
        shop.host.released.set()
        await shop.host.heard.has(lambda word: word == f"text:{BUSY}", count=4)

    @pytest.mark.parametrize("where", ["private", "group"])
    @pytest.mark.parametrize("who_says_wait", ["neonpay", "Telegram"])
    async def test_a_user_who_taps_twenty_times_does_not_stop_another_ones_checkout(
        self, open_shop: Callable[..., ShopUnderTest], where: str, who_says_wait: str
    ) -> None:
        by_telegram = who_says_wait == "Telegram"
        shop = open_shop(in_turn=True, messages_per_s=MESSAGES_PER_S if by_telegram else 1 / _HELD_S)
        await shop.host.start()
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        group = shop.telegram.group("Club", members=[ann, bob], administrators=[shop.account])
        link = (await shop.do(shop.neonpay.create_payment_link, "vip")).link or ""
        if by_telegram:
            shop.telegram.faults.fail("sendInvoice", error_code=429, retry_after=_HELD_S)
        for _ in range(_TAPS):
            await ann.says(BUY if where == "private" else f"{BUY} {group.id}", to=shop.account)
        outcome = await bob.pays(link)
        offers = await shop.host.heard.has(lambda word: not word.startswith("text:"), count=_TAPS)
        assert outcome.status == "paid"
        # A library that has no such mode has a burst of calls under way before Telegram refuses the first.
        burst = CHAT_BURST if by_telegram else 1
        assert len(shop.telegram.calls("sendInvoice")) <= burst
        assert "queued" in offers
        assert offers.count("refused:too_often") >= _TAPS - burst - QUEUED_FOR_ONE

    async def test_a_user_who_asks_for_the_terms_twenty_times_does_not_stop_another_ones_checkout(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        shop = open_shop(in_turn=True, messages_per_s=1 / _HELD_S)
        if shop.neonpay.program.capabilities().converses:
            shop.neonpay.enable_support(terms="No refunds of what was eaten.")
        await shop.host.start()
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        link = (await shop.do(shop.neonpay.create_payment_link, "vip")).link or ""
        for _ in range(_TAPS):
            await ann.says("/terms", to=shop.account)
        outcome = await bob.pays(link)
        assert outcome.status == "paid"
        assert len(shop.telegram.calls("sendMessage")) <= 1

    async def test_two_bots_in_one_process_keep_apart(self, open_shop: Callable[..., ShopUnderTest]) -> None:
        shops = [open_shop(username=name) for name in ("first_bot", "second_bot")]
        for shop in shops:
            await shop.host.start()
        buyers = [await shop.visitor() for shop in shops]
        outcomes = await asyncio.gather(*[shop.sells(buyer) for shop, buyer in zip(shops, buyers, strict=True)])
        for shop, outcome in zip(shops, outcomes, strict=True):
            (payment,) = await shop.do(shop.neonpay.payments.list)
            assert payment.charge_id == outcome.charge_id
            assert [result.transaction_id for result in shop.delivered.all] == [outcome.charge_id]

    async def test_commands_of_ours_are_answered_and_all_others_are_the_hosts(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        shop = open_shop()
        if shop.neonpay.program.capabilities().converses:
            shop.neonpay.enable_support(terms="No refunds of what was eaten.")
        await shop.host.start()
        buyer = await shop.visitor()
        await buyer.says("/terms", to=shop.account)
        await buyer.says("/menu", to=shop.account)
        await shop.host.heard.has(lambda word: word == "text:/menu")
        if shop.neonpay.program.capabilities().converses:
            await buyer.hears(shop.account, predicate=lambda message: "eaten" in (message.text or ""))
            assert "text:/terms" not in shop.host.heard.all
        else:
            await shop.host.heard.has(lambda word: word == "text:/terms")


async def _foreign_invoice(shop: ShopUnderTest, buyer: Buyer, **instead: object) -> Message:
    params = {
        "chat_id": buyer.id,
        "title": "Coffee",
        "description": "One cup",
        "payload": _FOREIGN,
        "currency": "XTR",
        "prices": [{"label": "Coffee", "amount": 3}],
        **instead,
    }
    async with shop.telegram_client() as client:
        await client.call("sendInvoice", params)  # type: ignore[arg-type]  # it is JSON
    return await buyer.hears(shop.account, predicate=lambda message: message.invoice is not None)
