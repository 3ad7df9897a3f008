"""Invoices that wait for their chat's turn: sent once, by one worker, or given up with words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.errors import SaleRefused, TelegramError, TelegramUnreachableError
from neonpay.ledger.tables import invoices
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from tests.integration.conftest import MovableClock, Shop

HELD_S = 50
"""What Telegram has a chat wait: longer than any test takes, and short enough to be worth waiting for."""
STATES = sa.select(invoices.c.state, invoices.c.message_id.is_not(None)).order_by(invoices.c.created_at)


@pytest.fixture
async def running(shop: Shop) -> AsyncIterator[Shop]:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        yield shop


def holds(shop: Shop, seconds: int = HELD_S) -> None:
    """Telegram has had enough of the next invoice's chat."""
    shop.telegram.faults.fail("sendInvoice", error_code=429, retry_after=seconds)


async def test_an_invoice_that_telegram_puts_off_is_queued_and_sent_by_itself(running: Shop) -> None:
    ann = await running.visitor()
    holds(running, 1)
    queued = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    calls_meanwhile = len(running.telegram.calls("sendInvoice"))
    message = await ann.hears(running.account, predicate=lambda m: m.invoice is not None)
    outcome = await ann.pays(message)

    assert (queued.is_queued, queued.message_id, calls_meanwhile) == (True, None, 1)
    assert outcome.status == "paid"
    assert len(running.telegram.calls("sendInvoice")) == 2


async def test_a_queued_invoice_tells_its_message_to_whoever_asks_again_with_its_key(running: Shop) -> None:
    ann = await running.visitor()
    holds(running, 1)
    queued = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    message = await ann.hears(running.account, predicate=lambda m: m.invoice is not None)
    async with asyncio.timeout(100):
        while (sent := await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")).is_queued:
            await between_looks()

    assert sent == replace(queued, is_queued=False, chat_id=ann.id, message_id=message.message_id)
    assert len(running.telegram.calls("sendInvoice")) == 2


async def test_a_key_that_waits_is_sent_once_whichever_worker_is_asked_again(
    running: Shop, open_shop: Callable[..., Shop]
) -> None:
    other = open_shop()
    ann = await running.visitor()
    holds(running)
    first = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    again = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    elsewhere = await other.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")

    assert first == again == elsewhere
    assert first.is_queued
    assert len(running.telegram.calls("sendInvoice")) == 1


async def test_two_workers_that_are_asked_with_one_key_at_a_time_send_once(
    running: Shop, open_shop: Callable[..., Shop]
) -> None:
    other = open_shop()
    ann = await running.visitor()
    both = await asyncio.gather(
        *(shop.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7") for shop in (running, other))
    )

    assert len({invoice.invoice_id for invoice in both}) == 1
    assert len(running.telegram.calls("sendInvoice")) == 1


async def test_an_invoice_whose_sender_died_is_sent_by_whoever_is_asked_after_its_lease(
    running: Shop, open_shop: Callable[..., Shop], clock: MovableClock, query: Callable[..., Any]
) -> None:
    dead = open_shop()
    ann = await running.visitor()
    holds(running)
    await dead.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    waits = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    clock.advance(91)
    sent = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")

    assert waits.is_queued
    assert (sent.is_queued, sent.message_id is not None) == (False, True)
    assert await query(STATES) == [("sent", True)]


async def test_what_is_queued_when_the_shop_closes_is_given_up_with_words_and_can_be_asked_for_again(
    open_shop: Callable[..., Shop], running: Shop, query: Callable[..., Any]
) -> None:
    closing = open_shop()
    ann = await running.visitor()
    holds(closing)
    await closing.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    await closing.neonpay.close()
    given_up = await query(STATES)
    again = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")

    (failed,) = closing.named("invoice_failed")
    assert failed.reason == "the program stopped before its turn came"
    assert given_up == [("failed", False)]
    assert again.message_id is not None


async def test_what_has_its_turn_before_a_closing_shops_patience_ends_is_sent(
    open_shop: Callable[..., Shop], running: Shop, query: Callable[..., Any]
) -> None:
    closing = open_shop()
    ann = await running.visitor()
    holds(closing, 1)
    queued = await closing.neonpay.send_payment(ann.id, "vip")
    await closing.neonpay.close()

    assert queued.is_queued
    assert await query(STATES) == [("sent", True)]


async def test_a_queued_invoice_that_telegram_refuses_becomes_an_event(
    running: Shop, query: Callable[..., Any]
) -> None:
    ann = await running.visitor()
    holds(running, 1)
    await running.neonpay.send_payment(ann.id, "vip")
    await ann.blocks(running.account)
    failed = await running.fact("invoice_failed")

    assert failed.reason == "Forbidden: bot was blocked by the user"
    assert await query(STATES) == [("failed", False)]


async def test_a_queued_invoice_whose_answer_is_lost_becomes_an_event_and_can_be_paid(running: Shop) -> None:
    ann = await running.visitor()
    holds(running, 1)
    running.telegram.faults.lose_answer("sendInvoice")
    await running.neonpay.send_payment(ann.id, "vip")
    failed = await running.fact("invoice_failed")
    outcome = await ann.pays(await ann.hears(running.account, predicate=lambda m: m.invoice is not None))

    assert failed.reason == "no answer from Telegram; it may have been sent"
    assert outcome.status == "paid"


async def test_a_chat_that_is_put_off_for_long_is_refused_at_once(running: Shop) -> None:
    ann = await running.visitor()
    holds(running, 3600)
    with pytest.raises(TelegramError) as put_off:
        await running.neonpay.send_payment(ann.id, "vip")
    with pytest.raises(SaleRefused) as refused:
        await running.neonpay.send_payment(ann.id, "vip")
    await running.neonpay.program.drain()

    assert put_off.value.retry_after_s == 3600
    assert refused.value.reason == "too_often"
    assert refused.value.retry_after_s == pytest.approx(3600, abs=60)
    assert refused.value.buyer_text == "That was too often. Please try again later."
    assert [event.reason for event in running.named("offer_refused")] == ["too_often"]
    assert len(running.telegram.calls("sendInvoice")) == 1


async def test_one_users_queue_is_short_and_another_one_of_the_group_still_gets_a_place(running: Shop) -> None:
    ann, bob = await running.visitor("Ann"), await running.visitor("Bob")
    group = running.telegram.group("Club", members=[ann, bob], administrators=[running.account])
    holds(running)
    places = [await running.neonpay.send_payment(ann.id, "vip", chat_id=group.id) for _ in range(2)]
    with pytest.raises(SaleRefused, match="too_often"):
        await running.neonpay.send_payment(ann.id, "vip", chat_id=group.id)
    places.append(await running.neonpay.send_payment(bob.id, "vip", chat_id=group.id))

    assert [place.is_queued for place in places] == [True] * 3


async def test_a_key_that_was_sent_is_returned_however_many_wait_for_the_chat(running: Shop) -> None:
    ann = await running.visitor()
    sent = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    holds(running)
    waits = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 8")
    await running.neonpay.send_payment(ann.id, "vip")
    with pytest.raises(SaleRefused):
        await running.neonpay.send_payment(ann.id, "vip")

    assert await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7") == sent
    assert await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 8") == waits


async def test_many_that_ask_at_a_time_get_a_burst_a_short_queue_and_refusals(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(messages_per_s=1 / HELD_S)
    ann = await shop.visitor()
    asks = (shop.neonpay.send_payment(ann.id, "vip") for _ in range(20))
    answers = await asyncio.gather(*asks, return_exceptions=True)
    kinds = ["refused" if isinstance(each, SaleRefused) else each.is_queued for each in answers]  # type: ignore[union-attr]

    assert (kinds.count(False), kinds.count(True), kinds.count("refused")) == (1, 1, 18)
    assert len(shop.telegram.calls("sendInvoice")) == 1


async def test_a_caller_that_is_cancelled_leaves_the_invoice_to_be_sent_once(
    running: Shop, query: Callable[..., Any]
) -> None:
    ann = await running.visitor()
    slow = running.telegram.faults.slow("sendInvoice", delay_s=1)
    asking = asyncio.ensure_future(running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7"))
    await running.telegram.until(lambda: slow.happened or None, what="the call")
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    again = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    await running.telegram.advance(1)
    await ann.hears(running.account, predicate=lambda m: m.invoice is not None)

    assert again.is_queued
    assert len(running.telegram.calls("sendInvoice")) == 1


async def test_a_lost_answer_leaves_nobody_else_waiting_for_the_lease(running: Shop) -> None:
    ann = await running.visitor()
    running.telegram.faults.drop_connection("sendInvoice")
    with pytest.raises(TelegramUnreachableError):
        await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    again = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")

    assert again.message_id is not None


async def test_an_offer_whose_commit_was_answered_by_nobody_is_made_once_and_is_its_own(
    running: Shop, query: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every unit of an offer runs twice, as after a COMMIT that was done and whose answer was lost."""
    ann = await running.visitor()
    await running.neonpay.create_payment_link("vip")
    ledger = running.neonpay.program.pipeline.ledger
    once = ledger.run

    async def twice(unit: Any, *args: Any, **kwargs: Any) -> Any:
        first = await once(partial(unit), *args, **kwargs)
        second = await once(partial(unit), *args, **kwargs)
        assert second == first
        return second

    monkeypatch.setattr(ledger, "run", twice)
    running.neonpay.replace_payment_stage("vip", replace(running.neonpay.list_payment_stages()["vip"], price=99))
    link = await running.neonpay.create_payment_link("vip")
    sent = await running.neonpay.send_payment(ann.id, "vip")
    keyed = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    holds(running)
    queued = await running.neonpay.send_payment(ann.id, "vip")
    await ann.blocks(running.account)
    with pytest.raises(TelegramError):
        await running.neonpay.send_payment(ann.id, "vip", chat_id=-1)
    monkeypatch.undo()
    await running.neonpay.program.drain()

    assert [invoice.price_stars for invoice in (link, sent, keyed, queued)] == [99] * 4
    assert len({invoice.invoice_id for invoice in (link, sent, keyed, queued)}) == 4
    assert await query(sa.select(sa.func.count()).select_from(invoices)) == [(6,)]
    assert len(running.named("invoice_created")) == 6
    assert len(running.named("invoice_failed")) == 1


async def test_a_limit_counts_an_offer_once_when_its_commit_was_answered_by_nobody(
    running: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neonpay import ActionType, Limits, Rate

    running.neonpay.security.limits = Limits(actions={ActionType.PAYMENT_REQUEST: Rate(1, 60)})
    ann = await running.visitor()
    await running.neonpay.setup()
    ledger = running.neonpay.program.pipeline.ledger
    once = ledger.run

    async def twice(unit: Any, *args: Any, **kwargs: Any) -> Any:
        await once(partial(unit), *args, **kwargs)
        return await once(partial(unit), *args, **kwargs)

    monkeypatch.setattr(ledger, "run", twice)
    sent = await running.neonpay.send_payment(ann.id, "vip")
    with pytest.raises(SaleRefused):
        await running.neonpay.send_payment(ann.id, "vip")
    monkeypatch.undo()
    assert sent.message_id is not None
