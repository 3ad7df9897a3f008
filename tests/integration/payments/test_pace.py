"""What leaves the bot keeps Telegram's pace, and nobody who pays waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay import ConfigurationError, PaymentResult, create_neonpay
from neonpay.telegram.pacing import CHAT_BURST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop


def delivers(shop: Shop) -> list[int]:
    delivered: list[int] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.user_id)

    return delivered


async def test_a_checkout_is_answered_and_paid_while_messages_wait_for_their_turn(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop(messages_per_s=0.02)
    delivered = delivers(shop)
    async with shop.polling():
        ann = await shop.visitor()
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        first = await shop.neonpay.send_payment(ann.id, "vip")
        second = await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(link)
        await shop.settles()

    assert outcome.status == "paid"
    assert delivered == [ann.id]
    assert (first.is_queued, second.is_queued) == (False, True)
    assert len(shop.telegram.calls("sendInvoice")) == 1


async def test_a_checkout_answer_that_is_lost_is_given_again(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(checkout_budget_s=2.0)  # which leaves eight seconds to ask again in
    delivered = delivers(shop)
    async with shop.polling():
        ann = await shop.visitor()
        shop.telegram.faults.drop_connection("answerPreCheckoutQuery")
        outcome = await shop.sells(ann)

    assert outcome.status == "paid"
    assert delivered == [ann.id]
    assert len(shop.telegram.calls("answerPreCheckoutQuery")) == 2


async def test_a_thank_you_that_telegram_puts_off_comes_when_it_says(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop(thank_you_message="Thank you!")
    delivered = delivers(shop)
    async with shop.polling():
        ann = await shop.visitor()
        shop.telegram.faults.fail("sendMessage", error_code=429, retry_after=3)
        outcome = await shop.sells(ann)
        waiting = {job.consumer: job for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}
    # The chat is held by the event loop's clock in the one process, and by nothing in the next.
    clock.advance(3)
    other = open_shop(thank_you_message="Thank you!")
    delivers(other)
    async with other.polling():
        await other.delivers(outcome)

    assert (waiting["neonpay:thank_you"].state, waiting["neonpay:thank_you"].attempts) == ("ready", 0)
    assert shop.named("fulfilment_failed") == []
    assert delivered == [ann.id]
    assert [message.text for message in ann.messages(shop.account)][-1] == "Thank you!"


async def test_thank_yous_that_wait_keep_no_handler_waiting(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(thank_you_message="Thank you!", messages_per_s=0.001)
    delivered = delivers(shop)
    async with shop.polling():
        ann = await shop.visitor()
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        charges = [(await ann.pays(link)).charge_id or "" for _ in range(CHAT_BURST)]
        await shop.settles()
        jobs = [job for charge_id in charges for job in await shop.neonpay.jobs.of(charge_id)]

    thanks = sorted(job.state for job in jobs if job.consumer == "neonpay:thank_you")
    assert delivered == [ann.id] * CHAT_BURST
    assert thanks == ["done", *["ready"] * (CHAT_BURST - 1)]


@pytest.mark.parametrize("pace", [0, -1, float("nan")])
def test_a_pace_is_above_nothing(shop: Shop, pace: float) -> None:
    with pytest.raises(ConfigurationError, match="messages_per_s"):
        create_neonpay(shop.bot, dispatcher=shop.dispatcher, messages_per_s=pace)
