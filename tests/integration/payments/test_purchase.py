"""A purchase from the offer to the delivered payment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage, PaymentStatus
from neonpay.errors import ValidationError
from neonpay.ledger.tables import journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop


async def test_a_paid_invoice_is_recorded_and_delivered_once(shop: Shop) -> None:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        outcome = await shop.sells(ann)

        payment = await shop.neonpay.payments.get(outcome.charge_id)
        jobs = await shop.neonpay.jobs.of(outcome.charge_id)

    assert outcome.status == "paid"
    assert [result.transaction_id for result in delivered] == [outcome.charge_id]
    assert (payment.user_id, payment.amount_stars, payment.state) == (ann.id, 50, "accepted")
    assert [(job.state, job.attempts) for job in jobs] == [("done", 1)]
    assert (ann.stars, shop.telegram.balance(shop.account)) == (30, 50)


async def test_a_handler_receives_what_was_sold_and_what_telegram_said(shop: Shop) -> None:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann, payload={"gift_for": "Боб", "days": 31})

    (result,) = delivered
    assert (result.user_id, result.amount, result.currency) == (ann.id, 50, "XTR")
    assert result.status is PaymentStatus.COMPLETED
    assert result.metadata == {"days": 31, "gift_for": "Боб"}
    assert result.stage is not None
    assert (result.stage.title, result.stage_id) == ("VIP", "vip")
    assert not result.is_recurring
    assert not result.is_extension
    (paid,) = [u.payload for u in shop.telegram.updates(shop.account) if "successful_payment" in u.payload]
    assert result.raw == paid["successful_payment"]
    assert result.timestamp == paid["date"]
    assert result.raw["telegram_payment_charge_id"] == outcome.charge_id


async def test_a_result_is_the_same_after_a_restart(open_shop: Callable[..., Shop]) -> None:
    live: list[PaymentResult] = []
    later: list[PaymentResult] = []
    first = open_shop()

    @first.neonpay.on_payment(name="deliver")
    async def fail(result: PaymentResult) -> None:
        live.append(result)
        raise RuntimeError("the warehouse is closed")

    async with first.polling():
        outcome = await first.sells(await first.visitor(), payload={"size": "L"})
    second = open_shop()
    delivered = asyncio.Event()

    @second.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        later.append(result)
        delivered.set()

    async with second.neonpay:
        await second.neonpay.jobs.retry(outcome.charge_id)
        await delivered.wait()
    assert later == live


async def test_the_invoice_on_the_wire_says_what_the_stage_says(shop: Shop) -> None:
    shop.neonpay.create_payment_stage(
        "art",
        PaymentStage(
            title="Picture",
            description="A picture of a cat",
            price=7,
            label="One picture",
            photo_url="https://example.org/cat.jpg",
            start_parameter="cat-7",
        ),
    )
    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.send_payment(ann.id, "art", options={"protect_content": True})
        message = await ann.hears(shop.account)

    (call,) = shop.telegram.calls("sendInvoice")
    assert call.ok
    assert {name: call.params[name] for name in ("chat_id", "title", "description", "currency", "payload")} == {
        "chat_id": ann.id,
        "title": "Picture",
        "description": "A picture of a cat",
        "currency": "XTR",
        "payload": invoice.payload,
    }
    assert call.params["prices"] == [{"label": "One picture", "amount": 7}]
    assert call.params["photo_url"] == "https://example.org/cat.jpg"
    assert call.params["start_parameter"] == "cat-7"
    assert message.has_protected_content
    assert (invoice.chat_id, invoice.message_id) == (ann.id, message.message_id)


async def test_a_stage_without_start_parameter_photo_or_label_sends_none(shop: Shop) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")

    (call,) = shop.telegram.calls("sendInvoice")
    assert "start_parameter" not in call.params
    assert "photo_url" not in call.params
    assert call.params["prices"] == [{"label": "Payment", "amount": 50}]


async def test_the_users_own_data_never_travels_through_telegram(shop: Shop) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.send_payment(ann.id, "vip", payload={"note": "n" * 4000})

    assert invoice.metadata["note"] == "n" * 4000
    assert len(invoice.payload.encode()) <= 128


async def test_a_link_can_be_paid_by_anyone(shop: Shop) -> None:
    paid_by: list[int] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        paid_by.append(result.user_id)

    async with shop.polling():
        invoice = await shop.neonpay.create_payment_link("vip", payload={"campaign": "autumn"})
        assert invoice.link is not None
        ann, bob = shop.telegram.user("Ann", stars=50), shop.telegram.user("Bob", stars=50)
        outcomes = [await ann.pays(invoice.link), await bob.pays(invoice.link)]
        await shop.settles()

    assert [outcome.status for outcome in outcomes] == ["paid", "paid"]
    assert paid_by == [ann.id, bob.id]


async def test_a_link_made_for_one_user_is_declined_for_others(shop: Shop) -> None:
    async with shop.polling():
        ann, bob = shop.telegram.user("Ann", stars=50), shop.telegram.user("Bob", stars=50)
        invoice = await shop.neonpay.create_payment_link("vip", user_id=ann.id)
        assert (await bob.pays(invoice.link or "")).status == "declined"
        assert (await ann.pays(invoice.link or "")).status == "paid"
        await shop.settles()


async def test_every_journal_entry_sums_to_zero_and_stars_equal_telegrams_balance(
    shop: Shop, query: Callable[..., object]
) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=500)
        outcomes = [await shop.sells(ann) for _ in range(3)]
        await shop.neonpay.refund(outcomes[1].charge_id)
        await shop.settles()

    entries = await query(
        sa.select(journal.c.event_id, sa.func.sum(journal.c.amount_stars), sa.func.count()).group_by(journal.c.event_id)
    )
    accounts = await query(
        sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    )
    assert [(int(total), rows) for _, total, rows in entries] == [(0, 2)] * 4
    assert {account: int(total) for account, total in accounts} == {"stars": 100, "revenue": -150, "refunds": 50}
    assert shop.telegram.balance(shop.account) == 100


async def test_the_history_of_a_user_is_newest_first(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        outcomes = []
        for buyer in (ann, bob, ann):
            outcomes.append(await shop.sells(buyer))
            await shop.telegram.advance(5)
        history = await shop.neonpay.payments.history(ann.id)
        newest = await shop.neonpay.payments.history(ann.id, limit=1)

    assert [payment.charge_id for payment in history] == [outcomes[2].charge_id, outcomes[0].charge_id]
    assert newest == history[:1]


@pytest.mark.parametrize(
    ("user_id", "line"),
    [
        (-5104, "send_payment(message.from_user.id, stage_id, chat_id=message.chat.id)"),
        (-1001234567890, "create_payment_link(stage_id)"),
        (777000, "neonpay.create_payment_link(stage_id)"),
        (1087968824, "neonpay.create_payment_link(stage_id)"),
        (136817688, "neonpay.create_payment_link(stage_id)"),
    ],
)
async def test_nobody_but_a_person_is_asked_to_pay(shop: Shop, user_id: int, line: str) -> None:
    for attempt in (
        shop.neonpay.send_payment(user_id, "vip"),
        shop.neonpay.send_payment(user_id, "vip", anyone_may_pay=True),
        shop.neonpay.create_payment_link("vip", user_id=user_id),
    ):
        with pytest.raises(ValidationError) as refused:
            await attempt
        assert line in str(refused.value)
    assert shop.telegram.calls("sendInvoice") == shop.telegram.calls("createInvoiceLink") == []


async def test_the_bots_own_id_is_no_buyers(shop: Shop) -> None:
    """Under a pressed button `callback.message.from_user` is the bot."""
    for attempt in (
        shop.neonpay.send_payment(shop.account.id, "vip"),
        shop.neonpay.create_payment_link("vip", user_id=shop.account.id),
    ):
        with pytest.raises(ValidationError, match=r"write send_payment\(callback\.from_user\.id, stage_id\)"):
            await attempt
    assert shop.telegram.calls("sendInvoice") == []
