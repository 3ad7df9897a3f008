"""The log tells a payment's life, one line for each step."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.errors import RefundError
from tests.integration.heard.conftest import extra_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.heard.conftest import Heard


def delivers(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...


def told(records: Sequence[logging.LogRecord], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(extra_of(record).get(name) for name in names) for record in records]


async def test_a_sale_is_told_from_the_start_of_the_program_to_its_stop(shop: Shop, heard: Heard) -> None:
    delivers(shop)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
    (invoice_id,) = {event.invoice_id for event in shop.facts if event.invoice_id}
    lines = [record for record in heard() if record.levelno >= logging.INFO and record.name == "neonpay.payments"]

    assert told(lines, "event_name") == [
        ("program_started",),
        ("invoice_offered",),
        ("checkout_approved",),
        ("payment_recorded",),
        ("handler_started",),
        ("handler_done",),
        ("payment_delivered",),
        ("program_stopped",),
    ]
    assert {record.levelno for record in lines} == {logging.INFO}
    assert {record.name for record in lines} == {"neonpay.payments"}
    sale = told(lines[1:-1], "bot_id", "stage_id", "invoice_id", "amount_stars")
    assert set(sale) == {(shop.bot.id, "vip", invoice_id, 50)}
    assert told(lines[1:-1], "charge_id") == [(None,)] * 2 + [(outcome.charge_id,)] * 4
    assert told(heard("payment_recorded"), "state", "source") == [("accepted", "update")]
    assert told(heard("handler_done"), "handler", "attempt") == [("deliver", 1)]
    for record in heard("invoice_offered", "checkout_approved", "payment_recorded", "handler_done"):
        assert 0 <= extra_of(record)["duration_s"] < 60
    messages = [record.getMessage() for record in lines]
    assert messages[4] == f"deliver for charge {outcome.charge_id[:12]}… is started (attempt 1)"
    assert messages[6] == f"charge {outcome.charge_id[:12]}… of stage vip, 50 Stars, is delivered"


async def test_a_handler_with_a_connection_is_told_like_any(shop: Shop, heard: Heard) -> None:
    @shop.neonpay.on_payment(name="credit")
    def credit(result: PaymentResult, connection: sa.Connection) -> None: ...

    async with shop.polling():
        await shop.sells(await shop.visitor())

    names = ("handler_started", "handler_done", "payment_recorded", "payment_delivered")
    assert sorted(told(heard(*names), "event_name", "handler", "attempt"), key=str) == [
        ("handler_done", "credit", 1),
        ("handler_started", "credit", 1),
        ("payment_delivered", None, None),
        ("payment_recorded", None, None),
    ]


async def test_what_waits_until_somebody_writes_is_told_only_quietly(shop: Shop, heard: Heard) -> None:
    delivers(shop)
    async with shop.neonpay:
        async with asyncio.timeout(100):
            while not (done := heard("task_done")):
                await shop.neonpay.jobs.dead_letters()

    assert {record.levelno for record in done} == {logging.DEBUG}
    assert set(extra_of(done[0])) == {"event_name", "bot_id", "task", "next_in_s", "duration_s"}


async def test_a_decline_is_told_with_its_reason_and_without_the_words_of_the_hook(shop: Shop, heard: Heard) -> None:
    delivers(shop)

    @shop.neonpay.on_pre_checkout
    async def refuse(query: Any) -> str | None:
        return "Not you, Bob" if query.user_id == bob.id else None

    bob = shop.telegram.user("Bob", stars=100)
    async with shop.polling():
        ann = await shop.visitor()
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        hers = (await shop.neonpay.create_payment_link("vip", user_id=ann.id)).link or ""
        assert [(await bob.pays(one)).status for one in (link, hers)] == ["declined", "declined"]

    lines = heard("checkout_declined")
    assert told(lines, "reason", "stage_id", "amount_stars") == [("refused", "vip", 50), ("wrong_payer", "vip", 50)]
    assert {record.levelno for record in lines} == {logging.INFO}
    assert all(extra_of(record)["invoice_id"] for record in lines)
    assert not [record for record in heard() if "Not you" in record.getMessage()]
    assert not heard("payment_recorded")


async def test_a_checkout_that_the_shop_could_not_look_at_is_told_louder(shop: Shop, heard: Heard) -> None:
    @shop.neonpay.on_pre_checkout
    async def fail(query: Any) -> None:
        raise KeyError("a bug")

    async with shop.polling():
        ann = await shop.visitor()
        link = (await shop.neonpay.create_payment_link("vip")).link or ""
        assert (await ann.pays(link)).status == "declined"

    (line,) = heard("checkout_declined")
    assert (line.levelno, extra_of(line)["reason"]) == (logging.WARNING, "error")


async def test_a_handler_that_fails_is_told_up_to_its_dead_letter(
    shop: Shop, clock: MovableClock, heard: Heard
) -> None:
    @shop.neonpay.on_payment(name="deliver", max_attempts=2)
    async def deliver(result: PaymentResult) -> None:
        raise RuntimeError("the printer is out of paper")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.fact("fulfilment_failed")
        clock.advance(3600)
        await shop.fact("fulfilment_abandoned")

    lines = heard("handler_started", "fulfilment_failed", "fulfilment_abandoned")
    assert told(lines, "event_name", "charge_id", "handler", "attempt") == [
        ("handler_started", outcome.charge_id, "deliver", 1),
        ("fulfilment_failed", outcome.charge_id, "deliver", 1),
        ("handler_started", outcome.charge_id, "deliver", 2),
        ("fulfilment_abandoned", outcome.charge_id, "deliver", 2),
    ]
    failed, abandoned = lines[1], lines[3]
    assert {failed.levelno, abandoned.levelno} == {logging.ERROR}
    assert told([failed, abandoned], "error", "max_attempts") == [("RuntimeError", 2), ("RuntimeError", 2)]
    assert extra_of(failed)["retry_in_s"] >= 1
    assert extra_of(abandoned)["retry_in_s"] is None
    assert failed.exc_info is not None
    assert not heard("handler_done", "payment_delivered")


async def test_a_payment_that_nobody_takes_is_told_first_and_then_needs_attention(
    shop: Shop, clock: MovableClock, heard: Heard
) -> None:
    async with shop.polling():
        (outcome,) = await shop.sells_in_vain(await shop.visitor())

    lines = heard("payment_unclaimed", "payment_needs_attention")
    assert [(record.levelname, *told([record], "charge_id", "reason")[0]) for record in lines] == [
        ("WARNING", outcome.charge_id, None),
        ("ERROR", outcome.charge_id, "no_handler"),
    ]


async def test_a_refund_is_told_and_what_was_asked_for_in_words_is_not(shop: Shop, heard: Heard) -> None:
    delivers(shop)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.neonpay.refund(outcome.charge_id or "", reason="Zinaida has moved", requested_by="Olga")
        await shop.settles()

    lines = heard("refund_requested", "payment_refunded")
    assert told(lines, "event_name", "charge_id", "stage_id", "amount_stars") == [
        ("refund_requested", outcome.charge_id, "vip", 50),
        ("payment_refunded", outcome.charge_id, "vip", 50),
    ]
    assert {record.levelno for record in lines} == {logging.INFO}
    assert extra_of(lines[1])["duration_s"] >= 0
    assert not [record for record in heard() if "Zinaida" in str(vars(record)) or "Olga" in str(vars(record))]


async def test_a_refund_that_telegram_refuses_needs_a_person(shop: Shop, heard: Heard) -> None:
    delivers(shop)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: NO_WAY")
        with pytest.raises(RefundError):
            await shop.neonpay.refund(outcome.charge_id or "")

    (line,) = heard("refund_failed")
    assert (line.levelno, *told([line], "charge_id", "reason")[0]) == (
        logging.ERROR,
        outcome.charge_id,
        "Bad Request: NO_WAY",
    )
    assert not heard("payment_refunded")


async def test_an_invoice_that_telegram_does_not_take_is_told_with_its_words(shop: Shop, heard: Heard) -> None:
    async with shop.neonpay:
        stranger = shop.telegram.user("Stranger")
        with pytest.raises(Exception, match="chat not found"):
            await shop.neonpay.send_payment(stranger.id, "vip")

    (line,) = heard("invoice_failed")
    assert (line.levelno, extra_of(line)["reason"]) == (logging.WARNING, "Bad Request: chat not found")
    assert not heard("invoice_offered")


async def test_a_comparison_is_told_when_it_has_found_something_and_else_only_quietly(
    open_shop: Callable[..., Shop], heard: Heard
) -> None:
    before = open_shop()
    async with before.polling(allowed_updates=["pre_checkout_query"]):
        ann = await before.visitor()
        outcome = await ann.pays((await before.neonpay.create_payment_link("vip")).link or "")
    shop = open_shop()
    delivers(shop)
    await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()
    await shop.neonpay.books.reconcile(grace_s=0)

    assert told(heard("payment_recorded"), "charge_id", "source") == [(outcome.charge_id, "reconcile")]
    first, second = heard("reconciled")
    assert (first.levelno, second.levelno) == (logging.INFO, logging.DEBUG)
    assert told([first, second], "bot_id", "checked", "recovered", "drift_stars", "is_complete") == [
        (shop.bot.id, 1, 1, 0, True),
        (shop.bot.id, 0, 0, 0, True),
    ]
