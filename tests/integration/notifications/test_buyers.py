"""What buyers are told: what concerns them, in their language, and again when they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay import PaymentStage
from neonpay.errors import RejectPayment
from neonpay.notifications import BuyerMessages
from tests.integration.notifications.conftest import as_time_passes

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Simulator
    from tests.integration.conftest import Shop

MONTH_S = 2_592_000


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


async def test_a_buyer_has_a_receipt_and_is_told_of_a_refund(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor("Ann")
        outcome = await shop.sells(ann)
        receipt = await ann.hears(shop.account, containing="🧾")
        await shop.neonpay.refund(outcome.charge_id or "")
        back = await ann.hears(shop.account, containing="↩️")
    assert receipt.text is not None
    assert receipt.text.startswith("🧾 VIP\n50 Stars, paid on ")
    assert back.text == "↩️ VIP: 50 Stars are back on your balance."


async def test_whoever_comes_and_pays_at_once_reads_their_own_language(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        await shop.sells(await shop.visitor("Eve"))
        ann = await shop.visitor("Анна", language_code="ru")
        await shop.sells(ann)
        receipt = await ann.hears(shop.account, containing="🧾")
    assert (receipt.text or "").startswith("🧾 VIP\n50 звёзд, ")


async def test_orders_shows_what_was_bought_and_gives_a_receipt_to_nobody_else(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann, eve = await shop.visitor("Ann"), await shop.visitor("Eve")
        await eve.says("/orders", to=shop.account)
        assert (await eve.hears(shop.account, containing="nothing here")).text
        await shop.sells(ann)
        await ann.hears(shop.account, containing="🧾")
        await ann.says("/orders", to=shop.account)
        listed = await ann.hears(shop.account, containing="last purchases")
        await ann.presses_at(0, 0, on=listed)
        again = await ann.hears(shop.account, containing="🧾")
    assert again.text is not None
    assert "50 Stars" in again.text


async def test_orders_shows_what_was_given_back_as_well_and_its_receipt_says_so(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor("Анна", language_code="ru")
        outcome = await shop.sells(ann)
        await shop.neonpay.refund(outcome.charge_id or "")
        await ann.hears(shop.account, containing="↩️")
        await ann.says("/orders", to=shop.account)
        listed = await ann.hears(shop.account, containing="последние покупки")
        assert listed.reply_markup is not None
        assert listed.reply_markup.inline_keyboard[0][0].text.endswith(" · ↩️")
        await ann.presses_at(0, 0, on=listed)
        again = await ann.hears(shop.account, containing="Звёзды за эту покупку вернулись")
    assert (again.text or "").startswith("🧾 VIP\n50 звёзд, ")


async def test_the_button_of_a_purchase_gives_its_receipt_however_many_came_after_it(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor("Ann")
        first = await shop.sells(ann)
        await ann.hears(shop.account, containing="🧾")
        await ann.says("/orders", to=shop.account)
        listed = await ann.hears(shop.account, containing="last purchases")
        await shop.telegram.advance(60)
        for _ in range(10):
            await shop.sells(ann)
            await ann.hears(shop.account, containing="🧾")
        await ann.presses_at(0, 0, on=listed)
        again = await ann.hears(shop.account, containing="🧾")
        assert (first.charge_id or "?")[:20] in (again.text or "")
        eve = await shop.visitor("Eve")  # who presses it with a client of their own
        assert listed.reply_markup is not None
        pressed = {
            "id": "77",
            "from": {"id": eve.id, "is_bot": False, "first_name": eve.name},
            "chat_instance": "1",
            "data": listed.reply_markup.inline_keyboard[0][0].callback_data,
            "message": {"message_id": 1, "date": 1, "chat": {"id": eve.id, "type": "private", "first_name": eve.name}},
        }
        await shop.dispatcher.feed_raw_update(shop.bot, {"update_id": 1, "callback_query": pressed})
        toast = shop.telegram.calls("answerCallbackQuery")[-1].params["text"]
    assert toast == "This is not a payment of yours."


@pytest.mark.parametrize("is_rejected", [True, False])
async def test_a_receipt_says_that_stars_are_on_their_way_until_they_are_back(
    open_shop: Callable[..., Shop], *, is_rejected: bool
) -> None:
    async def deliver(payment: Any) -> None:
        if is_rejected:
            raise RejectPayment("sold out")

    shop = open_shop()
    shop.neonpay.on_payment(deliver)
    shop.neonpay.use(BuyerMessages())
    shop.telegram.faults.fail("refundStarPayment", error_code=429, retry_after=600)
    async with shop.polling():
        ann = await shop.visitor("Ann")
        outcome = await shop.sells(ann)
        await ann.hears(shop.account, containing="🧾")
        if not is_rejected:
            await shop.neonpay.refund(outcome.charge_id or "")
        await ann.says("/orders", to=shop.account)
        listed = await ann.hears(shop.account, containing="last purchases")
        await ann.presses_at(0, 0, on=listed)
        again = await ann.hears(shop.account, containing="🧾")
        assert listed.reply_markup is not None
        assert listed.reply_markup.inline_keyboard[0][0].text.endswith(" · ↩️ ⏳")
        assert (again.text or "").splitlines()[-1] == "The Stars of this payment are on their way back to you."


async def test_a_renewal_is_told_of_once_some_days_before(
    open_shop: Callable[..., Shop], telegram: Simulator, clock: Any
) -> None:
    shop = open_shop()
    shop.neonpay.create_payment_stage("monthly", PaymentStage(title="Club", description="A month", price=70))
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(BuyerMessages(receipts=False))
    async with shop.polling():
        ann = await shop.visitor("Ann")
        link = await shop.neonpay.create_payment_link(
            "monthly", user_id=ann.id, options={"subscription_period": MONTH_S}
        )
        await ann.pays(link.link or "")
        await shop.settles()
        expires = (await shop.neonpay.payments.list())[0].subscription_expires_at
        assert expires is not None
        clock.advance(expires.timestamp() - clock.now_us() / 1_000_000 - 2 * 86_400)
        told = await as_time_passes(clock, ann.hears(shop.account, containing="🔔"))
        clock.advance(7200)
        await shop.settles()
    assert told.text is not None
    assert told.text.startswith(f"🔔 Club renews on {expires:%Y-%m-%d}. Telegram will take 70 Stars")
    assert [event.name for event in shop.facts].count("renewal_near") == 1


async def test_a_shop_that_keeps_no_names_speaks_to_buyers_in_their_language(open_shop: Callable[..., Shop]) -> None:
    shop, again = open_shop(keep_names=False), open_shop(keep_names=False)
    for program in (shop, again):
        program.neonpay.on_payment(nothing)
        program.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor("Анна", language_code="ru")
        outcome = await shop.sells(ann)
        receipt = await ann.hears(shop.account, containing="🧾")
    async with again.polling():
        await again.neonpay.refund(outcome.charge_id or "")
        back = await ann.hears(again.account, containing="↩️")
    assert (receipt.text or "").startswith("🧾 VIP\n50 звёзд, ")
    assert "50 звёзд" in (back.text or "")


async def test_what_one_program_tells_buyers_is_told_beside_one_that_tells_less(
    open_shop: Callable[..., Shop], clock: Any
) -> None:
    bot, backend = open_shop(), open_shop()
    bot.neonpay.on_payment(nothing)
    bot.neonpay.use(BuyerMessages())
    backend.neonpay.use(BuyerMessages(receipts=False))
    async with bot.polling():
        await backend.neonpay.setup()  # and takes no receipts from the other one
        ann = await bot.visitor("Ann")
        await bot.sells(ann)
        receipt = await as_time_passes(clock, ann.hears(bot.account, containing="🧾"))
    assert "50 Stars" in (receipt.text or "")
