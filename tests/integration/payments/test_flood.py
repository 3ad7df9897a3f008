"""In a bot that handles its updates one after another, nothing that one person does stops another one's checkout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import F
from aiogram.types import Message

from neonpay import PaymentResult, PaymentStage, RefundPolicy
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.errors import SaleRefused, TelegramError

if TYPE_CHECKING:
    from neonpay import Invoice
    from tests.integration.conftest import Shop

HELD_S = 50
"""What Telegram has a chat wait: longer than any test takes, and short enough to be worth waiting for."""

ASKED = ("sendMessage", "createInvoiceLink", "getMyStarBalance", "refundStarPayment", "editUserStarSubscription")


class Taps:
    """A handler as hosts write it: each tap asks for an invoice."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.answers: list[Invoice | SaleRefused] = []
        shop.dispatcher.message.register(self._tapped, F.text == "buy")

        @shop.neonpay.on_payment
        async def deliver(result: PaymentResult) -> None: ...

    async def _tapped(self, message: Message) -> None:
        assert message.from_user is not None
        try:
            invoice = await self.shop.neonpay.send_payment(message.from_user.id, "vip", chat_id=message.chat.id)
        except SaleRefused as refused:
            self.answers.append(refused)
        else:
            self.answers.append(invoice)

    @property
    def kinds(self) -> list[str]:
        return sorted(
            "refused" if isinstance(each, SaleRefused) else "queued" if each.is_queued else "sent"
            for each in self.answers
        )


@pytest.mark.parametrize("where", ["private", "group"])
async def test_a_user_who_taps_twenty_times_does_not_stop_another_ones_checkout(
    open_shop: Callable[..., Shop], where: str
) -> None:
    shop = open_shop(messages_per_s=1 / HELD_S)
    taps = Taps(shop)
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        group = shop.telegram.group("Club", members=[ann, bob], administrators=[shop.account])
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        for _ in range(20):
            await ann.says("buy", to=shop.account if where == "private" else group)
        outcome = await bob.pays(link)
        await shop.settles()
        sends = shop.telegram.calls("sendInvoice")

    refused = [each for each in taps.answers if isinstance(each, SaleRefused)]
    assert outcome.status == "paid"
    assert len(sends) == 1
    assert taps.kinds == ["queued", *["refused"] * 18, "sent"]
    assert {each.reason for each in refused} == {"too_often"}
    assert all(each.retry_after_s is not None and each.retry_after_s > 0 for each in refused)
    assert len(shop.named("offer_refused")) == 18


@pytest.mark.parametrize("where", ["private", "group"])
async def test_a_chat_that_telegram_puts_off_stops_nobodys_checkout(shop: Shop, where: str) -> None:
    taps = Taps(shop)
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        group = shop.telegram.group("Club", members=[ann, bob], administrators=[shop.account])
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        shop.telegram.faults.fail("sendInvoice", error_code=429, retry_after=30)
        for _ in range(20):
            await ann.says("buy", to=shop.account if where == "private" else group)
        outcome = await bob.pays(link)
        await shop.settles()
        sends = shop.telegram.calls("sendInvoice")

    assert outcome.status == "paid"
    assert [call.error_code for call in sends] == [429]
    assert taps.kinds == ["queued", "queued", *["refused"] * 18]


async def test_a_user_who_asks_for_help_twenty_times_does_not_stop_another_ones_checkout(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop(messages_per_s=1 / HELD_S)
    Taps(shop)
    shop.neonpay.enable_support(terms="Be kind.")
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        for command in ("/paysupport", "/terms") * 10:
            await ann.says(command, to=shop.account)
        outcome = await bob.pays(link)
        answers = shop.telegram.calls("sendMessage")

    assert outcome.status == "paid"
    assert len(answers) == 1


async def test_pressed_buttons_that_telegram_puts_off_stop_nobodys_checkout(shop: Shop) -> None:
    Taps(shop)
    shop.neonpay.enable_support()
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        await shop.sells(ann)
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        await ann.says("/paysupport", to=shop.account)
        menu = await ann.hears(shop.account, predicate=lambda m: m.reply_markup is not None and m.invoice is None)
        for method in ("answerCallbackQuery", "sendMessage"):
            shop.telegram.faults.fail(method, error_code=429, retry_after=30, times=None)
        await ann.presses("VIP", on=menu, wait=False)
        outcome = await bob.pays(link)

    assert outcome.status == "paid"


async def _link(shop: Shop, charge_id: str) -> None:
    with pytest.raises(TelegramError) as refused:
        await shop.neonpay.create_payment_link("vip")
    assert refused.value.retry_after_s == 30


async def _message(shop: Shop, charge_id: str) -> None:
    payer = (await shop.neonpay.payments.get(charge_id)).user_id
    for _ in range(2):  # the first is refused by Telegram, the second by the pace
        with pytest.raises(TelegramError) as refused:
            await shop.neonpay.call("sendMessage", {"chat_id": payer, "text": "Hello"})
        assert (refused.value.error_code, refused.value.retry_after_s) == (429, 30)


async def _question(shop: Shop, charge_id: str) -> None:
    with pytest.raises(TelegramError) as refused:
        await shop.neonpay.call("getMyStarBalance")
    assert refused.value.retry_after_s == 30


async def _refund(shop: Shop, charge_id: str) -> None:
    assert (await shop.neonpay.refund(charge_id)).state == "intended"


async def _request(shop: Shop, charge_id: str) -> None:
    payment = await shop.neonpay.payments.get(charge_id)
    assert (await shop.neonpay.refunds.request(charge_id, user_id=payment.user_id)).state == "approved"


async def _cancel(shop: Shop, charge_id: str) -> None:
    with pytest.raises(TelegramError) as refused:
        await shop.neonpay.subscriptions.cancel(charge_id)
    assert refused.value.retry_after_s == 30


async def _allow(shop: Shop, charge_id: str) -> None:
    with pytest.raises(TelegramError) as refused:
        await shop.neonpay.subscriptions.allow(charge_id)
    assert refused.value.retry_after_s == 30


@pytest.mark.parametrize("act", [_link, _message, _question, _refund, _request, _cancel, _allow])
async def test_a_call_that_telegram_puts_off_holds_up_no_update(shop: Shop, act: Callable[[Shop, str], Any]) -> None:
    policy = RefundPolicy(window_days=14)
    stage = PaymentStage(title="VIP", description="A month of VIP", price=50, refund_policy=policy)
    shop.neonpay.replace_payment_stage("vip", stage)
    done: list[str] = []
    paid: list[str] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    @shop.dispatcher.message(F.text == "act")
    async def acts(message: Message) -> None:
        await act(shop, paid[0])
        done.append("acted")

    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        monthly = await shop.neonpay.create_payment_link("vip", options={"subscription_period": SUBSCRIPTION_PERIOD_S})
        paid.append((await ann.pays(monthly.link or "")).charge_id or "")
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        await shop.settles()
        for method in ASKED:
            shop.telegram.faults.fail(method, error_code=429, retry_after=30, times=None)
        await ann.says("act", to=shop.account)
        await shop.telegram.until(lambda: done or None, what="the handler to return")
        outcome = await bob.pays(link)

    assert done == ["acted"]
    assert outcome.status == "paid"


async def test_a_comparison_that_telegram_keeps_waiting_holds_no_checkout(shop: Shop) -> None:
    Taps(shop)
    async with shop.polling():
        bob = await shop.visitor("Bob")
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        slow = shop.telegram.faults.slow("getStarTransactions", delay_s=600)
        comparing = asyncio.ensure_future(shop.neonpay.books.reconcile())
        await shop.telegram.until(lambda: slow.happened or None, what="the comparison")
        outcome = await bob.pays(link)
        is_comparing = not comparing.done()
        comparing.cancel()
        await asyncio.gather(comparing, return_exceptions=True)

    assert outcome.status == "paid"
    assert is_comparing


async def test_a_payment_handler_may_wait_for_the_turn_of_its_message(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        await shop.neonpay.call("sendMessage", {"chat_id": result.user_id, "text": "Here you are."})

    async with shop.polling():
        ann = await shop.visitor("Ann")
        shop.telegram.faults.fail("sendMessage", error_code=429, retry_after=1)
        await shop.sells(ann)
        jobs = [call.error_code for call in shop.telegram.calls("sendMessage")]

    assert jobs == [429, None]
    assert shop.named("fulfilment_failed") == []
