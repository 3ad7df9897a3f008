"""Messages that handlers say: sent once they have succeeded, and no part of the delivery."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, RejectPayment
from neonpay.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Buyer
    from tests.integration.conftest import MovableClock, Shop


def tells(shop: Shop, *, fails: int = 0) -> list[int]:
    """A handler that says something, and raises on its first attempts; the attempts it has made."""
    attempts: list[int] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        attempts.append(ctx.attempt)
        ctx.tell("100 gems are <b>yours</b>.", parse_mode="HTML")
        if len(attempts) <= fails:
            raise RuntimeError("the warehouse is closed")

    return attempts


def told(shop: Shop, buyer: Buyer) -> list[str | None]:
    return [message.text for message in buyer.messages(shop.account) if message.text and message.text[0] != "/"]


async def states(shop: Shop, charge_id: str | None) -> dict[str, Any]:
    return {job.consumer: (job.state, job.error) for job in await shop.neonpay.jobs.of(charge_id or "")}


async def test_an_await_that_is_none_costs_no_delivery(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        await ctx.tell("100 gems are yours.")  # type: ignore[func-returns-value, misc]
        await ctx.enlist(sa.text("CREATE TABLE gems (n INTEGER)"))  # type: ignore[func-returns-value, misc]

    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        await shop.fact("payment_delivered")
        await shop.delivers(outcome)
    assert told(shop, ann) == ["100 gems are yours."]


async def test_the_buyer_is_told_once_when_the_handler_has_succeeded(shop: Shop, clock: MovableClock) -> None:
    attempts = tells(shop, fails=2)
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        assert told(shop, ann) == []
        clock.advance(60)
        await shop.fact("fulfilment_failed", count=2)
        clock.advance(60)
        await shop.fact("payment_delivered")
        await shop.delivers(outcome)

    assert attempts == [1, 2, 3]
    assert told(shop, ann) == ["100 gems are yours."]
    (queued,) = shop.named("message_queued")
    assert (queued.handler, queued.charge_id, queued.user_id) == ("deliver", outcome.charge_id, ann.id)
    assert "gems" not in repr(queued)


async def test_a_buyer_who_blocked_the_bot_gets_the_goods_and_the_job_says_refused(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        await ann.blocks(shop.account)
        with caplog.at_level(logging.WARNING, "neonpay"):
            outcome = await ann.pays(link)
            await shop.settles()
            await shop.delivers(outcome)
        jobs = await states(shop, outcome.charge_id)

    assert attempts == [1]
    assert jobs["handler:deliver"] == ("done", None)
    assert jobs["neonpay:tell"] == ("refused", "Forbidden: bot was blocked by the user")
    assert shop.named("payment_delivered")
    assert shop.named("fulfilment_failed") == shop.named("fulfilment_abandoned") == []
    (record,) = caplog.records
    assert "blocked by the user" in record.getMessage()


async def test_a_message_that_telegram_puts_off_is_waited_out(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        shop.telegram.faults.fail("sendMessage", error_code=429, retry_after=3)
        outcome = await shop.sells(ann)
        waiting = await states(shop, outcome.charge_id)
    clock.advance(3)
    other = open_shop()
    tells(other)
    async with other.polling():
        await other.delivers(outcome)

    assert waiting == {"handler:deliver": ("done", None), "neonpay:tell": ("ready", None)}
    assert told(shop, ann) == ["100 gems are yours."]
    assert shop.named("fulfilment_failed") == []


async def test_a_message_that_telegram_cannot_read_is_a_dead_letter_and_can_be_retried(
    shop: Shop, clock: MovableClock
) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("<b>never closed", parse_mode="HTML")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        for count in range(1, 12):
            await shop.fact("fulfilment_failed", count=count)
            clock.advance(6 * 3600)
        await shop.fact("fulfilment_abandoned")
        (letter,) = await shop.neonpay.jobs.dead_letters()
        jobs = await states(shop, outcome.charge_id)
        revived = await shop.neonpay.jobs.retry(outcome.charge_id or "")

    assert (letter.consumer, letter.charge_id) == ("neonpay:tell", outcome.charge_id)
    assert jobs["handler:deliver"][0] == "done"
    assert revived == 1


async def test_a_handler_that_rejects_its_payment_tells_nothing(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("100 gems are yours.")
        raise RejectPayment("sold out")

    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann)
        await shop.fact("payment_refunded")

    assert told(shop, ann) == []
    assert shop.named("message_queued") == []


async def test_each_handler_says_each_key_once_and_as_many_messages_as_it_has(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="first")
    async def first(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("one", key="word")
        ctx.tell("one again", key="word")
        ctx.tell("two")

    @shop.neonpay.on_payment(name="second")
    def second(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("three", key="word")

    async with shop.polling():
        ann = await shop.visitor()
        await shop.delivers(await shop.sells(ann))

    assert sorted(filter(None, told(shop, ann))) == ["one", "three", "two"]


async def test_a_key_has_nothing_to_do_with_a_place(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("one", key="1")
        ctx.tell("two")
        ctx.tell("three", key="2")

    async with shop.polling():
        ann = await shop.visitor()
        await shop.delivers(await shop.sells(ann))

    assert sorted(filter(None, told(shop, ann))) == ["one", "three", "two"]


@pytest.mark.parametrize(
    "words", ["not enough rights to send text messages to the chat", "group chat was upgraded to a supergroup"]
)
async def test_a_chat_that_can_never_be_written_to_refuses(shop: Shop, words: str) -> None:
    tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        shop.telegram.faults.fail("sendMessage", error_code=400, description=f"Bad Request: {words}")
        outcome = await shop.sells(ann)
        await shop.delivers(outcome)
        states = {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}

    assert states["neonpay:tell"] == "refused"


async def test_a_refund_handler_tells_the_buyer_too(shop: Shop) -> None:
    tells(shop)

    @shop.neonpay.on_refund
    async def revoke(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("The gems are gone.")

    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        await shop.neonpay.refund(outcome.charge_id or "")
        await shop.settles()
        await shop.fact("message_queued", count=2)
        await shop.settles()

    assert told(shop, ann) == ["100 gems are yours.", "The gems are gone."]


async def test_what_cannot_be_told_is_refused_where_it_is_said(shop: Shop) -> None:
    refused: list[str] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        for text, options in (
            (" ", {}),
            ("words", {"reply_markup": object()}),
            ("w" * 4097, {}),
            ("words", {"chat_id": 2**70}),
        ):
            try:
                ctx.tell(text, **options)  # type: ignore[arg-type]
            except ValidationError as exc:
                refused.append(exc.field)

    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert refused == ["text", "options", "text", "chat_id"]


@pytest.mark.parametrize("words", ["half \ud83d of a face", "nothing\0more"])
async def test_words_that_no_database_takes_keep_nothing_from_being_delivered(shop: Shop, words: str) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell(words)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.fact("message_queued")
        states = {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}

    assert states["handler:deliver"] == "done"
