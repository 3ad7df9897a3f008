"""Invoices: what goes wrong when one is sent, and what a repeated call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentError, PaymentResult, PaymentStage, StageNotFoundError, ValidationError
from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.ledger.tables import invoices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.conftest import Shop


@pytest.fixture
async def running(shop: Shop) -> AsyncIterator[Shop]:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        yield shop


async def test_a_stage_that_does_not_exist_is_named(running: Shop) -> None:
    with pytest.raises(StageNotFoundError, match="no payment stage 'gold'") as missing:
        await running.neonpay.send_payment(1, "gold")
    assert missing.value.stage_id == "gold"
    with pytest.raises(StageNotFoundError):
        await running.neonpay.create_payment_link("gold")
    assert running.telegram.calls("sendInvoice") == []


async def test_a_chat_that_telegram_does_not_know_is_an_error_with_telegrams_reason(running: Shop) -> None:
    with pytest.raises(TelegramError) as refused:
        await running.neonpay.send_payment(123_456, "vip")
    await running.neonpay.program.drain()

    assert isinstance(refused.value, PaymentError)
    assert (refused.value.method, refused.value.error_code) == ("sendInvoice", 400)
    assert refused.value.description == "Bad Request: chat not found"
    (failed,) = running.named("invoice_failed")
    assert failed.reason == "Bad Request: chat not found"


async def test_a_buyer_who_blocked_the_bot_is_an_error_with_code_403(running: Shop) -> None:
    ann = await running.visitor()
    await ann.blocks(running.account)
    with pytest.raises(TelegramError, match="bot was blocked by the user") as refused:
        await running.neonpay.send_payment(ann.id, "vip")
    assert refused.value.error_code == 403


@pytest.mark.parametrize("user_id", [True, 0, "42", None])
async def test_a_user_id_is_a_whole_number(running: Shop, user_id: Any) -> None:
    with pytest.raises(ValidationError, match="user_id"):
        await running.neonpay.send_payment(user_id, "vip")


async def test_a_payload_is_json(running: Shop) -> None:
    with pytest.raises(ValidationError, match="payload"):
        await running.neonpay.send_payment(1, "vip", payload={"when": object()})  # type: ignore[dict-item]


async def test_a_call_with_the_same_key_returns_the_same_invoice_and_sends_once(running: Shop) -> None:
    ann = await running.visitor()
    first = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    second = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    other = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 8")

    assert second == first
    assert other.invoice_id != first.invoice_id
    assert len(running.telegram.calls("sendInvoice")) == 2


async def test_a_link_with_the_same_key_is_made_once(running: Shop) -> None:
    first = await running.neonpay.create_payment_link("vip", idempotency_key="campaign")
    second = await running.neonpay.create_payment_link("vip", idempotency_key="campaign")

    assert second == first
    assert len(running.telegram.calls("createInvoiceLink")) == 1


async def test_a_key_names_one_offer(running: Shop) -> None:
    running.neonpay.create_payment_stage("art", PaymentStage(title="Art", description="A picture", price=1))
    ann, bob = await running.visitor("Ann"), await running.visitor("Bob")
    await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    with pytest.raises(PaymentError, match="used for another invoice"):
        await running.neonpay.send_payment(ann.id, "art", idempotency_key="order 7")
    with pytest.raises(PaymentError, match="used for another invoice"):
        await running.neonpay.send_payment(bob.id, "vip", idempotency_key="order 7")
    assert len(running.telegram.calls("sendInvoice")) == 1


async def test_an_invoice_that_was_refused_can_be_sent_with_the_same_key_later(
    running: Shop, query: Callable[..., Any]
) -> None:
    ann = await running.visitor()
    await ann.blocks(running.account)
    with pytest.raises(TelegramError):
        await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    await ann.unblocks(running.account)
    await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    outcome = await ann.pays(await ann.hears(running.account))
    await running.settles()

    assert outcome.status == "paid"
    assert await query(sa.select(sa.func.count()).select_from(invoices)) == [(1,)]


async def test_an_invoice_whose_answer_was_lost_can_be_paid(running: Shop) -> None:
    ann = await running.visitor()
    running.telegram.faults.lose_answer("sendInvoice")
    with pytest.raises(TelegramUnreachableError, match="it may have taken effect"):
        await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    outcome = await ann.pays(await ann.hears(running.account))
    await running.settles()

    assert outcome.status == "paid"
    assert (await running.neonpay.payments.get(outcome.charge_id or "")).state == "accepted"


async def test_an_invoice_can_appear_in_another_chat_than_the_payers(running: Shop) -> None:
    ann, bob = await running.visitor("Ann"), await running.visitor("Bob")
    invoice = await running.neonpay.send_payment(ann.id, "vip", chat_id=bob.id)
    message = await bob.hears(running.account)

    assert (invoice.user_id, invoice.chat_id) == (ann.id, bob.id)
    assert (await bob.pays(message)).status == "declined"
