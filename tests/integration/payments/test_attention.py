"""Money that arrived is always recorded; what nobody can deliver waits for a person."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Update

from neonpay import PaymentError, PaymentResult, PaymentStatus
from neonpay.errors import PaymentNotFoundError
from neonpay.ledger.tables import journal
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop


def notes_deliveries(shop: Shop) -> list[PaymentResult]:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    return delivered


async def pays_something_odd(shop: Shop, **changes: Any) -> str:
    """Feed the update of a real payment under a new charge id and with changes; Telegram itself would refuse to take it so."""
    await shop.sells(await shop.visitor())
    body: Any = deepcopy([u for u in shop.telegram.updates(shop.account) if "successful_payment" in u.payload][-1].body)
    paid = body["message"]["successful_payment"]
    paid["telegram_payment_charge_id"] = "odd-charge"
    sender = changes.pop("user_id", None)
    if sender is not None:
        body["message"]["from"]["id"] = body["message"]["chat"]["id"] = sender
    for name, change in changes.items():
        paid[name] = change(paid[name])
    await shop.dispatcher.feed_update(shop.bot, Update.model_validate(body))
    await shop.settles()
    return "odd-charge"


@pytest.mark.parametrize(
    ("changes", "attention"),
    [
        ({"total_amount": lambda stars: stars - 1}, "wrong_amount"),
        ({"currency": lambda _: "USD"}, "wrong_amount"),
        ({"invoice_payload": lambda text: text[:6] + ("A" if text[6] != "A" else "B") + text[7:]}, "forged_payload"),
        ({"user_id": 4242}, "wrong_payer"),
    ],
)
async def test_a_payment_that_is_not_as_it_was_offered_is_recorded_and_waits(
    shop: Shop, changes: dict[str, Any], attention: str
) -> None:
    delivered = notes_deliveries(shop)
    async with shop.polling():
        charge_id = await pays_something_odd(shop, **changes)
        (waiting,) = await shop.neonpay.payments.needs_attention()
        jobs = await shop.neonpay.jobs.of(charge_id)

    assert (waiting.charge_id, waiting.attention) == (charge_id, attention)
    assert waiting.status is PaymentStatus.FAILED
    assert (jobs, len(delivered)) == ([], 1)
    (told,) = shop.named("payment_needs_attention")
    assert (told.charge_id, told.reason) == (charge_id, attention)


async def test_a_payment_of_an_invoice_that_the_ledger_lost_is_recorded_and_waits(
    open_shop: Callable[..., Shop], tmp_path: Any
) -> None:
    secret = "the same secret in both places"
    lost = open_shop(database_url=f"sqlite:///{tmp_path / 'lost.db'}", secret=secret)
    async with lost.polling(telegram_sends=["pre_checkout_query"]):
        ann = await lost.visitor()
        invoice = await lost.neonpay.create_payment_link("vip")
        outcome = await ann.pays(invoice.link or "")
    paid = [u.body for u in lost.telegram.updates(lost.account) if "successful_payment" in u.payload][-1]

    shop = open_shop(secret=secret)
    delivered = notes_deliveries(shop)
    async with shop.polling():
        await shop.dispatcher.feed_update(shop.bot, Update.model_validate(paid))
        await shop.settles()
        (waiting,) = await shop.neonpay.payments.needs_attention()

    assert (waiting.charge_id, waiting.attention) == (outcome.charge_id, "unknown_invoice")
    assert waiting.stage_id == "vip", "the signed payload names the stage when the database is lost"
    assert delivered == []


async def test_a_payment_without_a_handler_waits_and_is_delivered_when_it_is_accepted_once_there_is_one(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    first = open_shop()
    async with first.polling():
        (outcome,) = await first.sells_in_vain(await first.visitor())
        (waiting,) = await first.neonpay.payments.needs_attention()
        with pytest.raises(PaymentError, match="no handler of this shop takes payments of stage 'vip'"):
            await first.neonpay.payments.accept(outcome.charge_id or "")
    assert waiting.attention == "no_handler"

    second = open_shop()
    delivered = notes_deliveries(second)
    async with second.polling():
        payment = await second.neonpay.payments.accept(outcome.charge_id or "")
        await second.delivers(outcome)
        assert await second.neonpay.payments.needs_attention() == []
        assert await second.neonpay.payments.accept(outcome.charge_id or "") == payment
        await second.settles()

    assert (payment.state, payment.attention) == ("accepted", None)
    assert [result.status for result in delivered] == [PaymentStatus.COMPLETED]
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    assert {account: int(total) for account, total in await query(accounts)} == {
        "stars": 50,
        "unsettled": 0,
        "revenue": -50,
    }


async def test_a_payment_that_waits_can_be_sent_back(shop: Shop, query: Callable[..., Any]) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=50)
        (outcome,) = await shop.sells_in_vain(ann)
        await shop.neonpay.refund(outcome.charge_id or "", reason="nobody delivers")
        await shop.settles()
        assert await shop.neonpay.payments.needs_attention() == []

    assert ann.stars == 50
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    assert {account: int(total) for account, total in await query(accounts)} == {
        "stars": 0,
        "revenue": 0,
        "unsettled": 0,
    }


async def test_people_who_accept_a_payment_at_the_same_time_accept_it_once(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    first = open_shop()
    async with first.polling():
        (outcome,) = await first.sells_in_vain(await first.visitor())
    second = open_shop()
    delivered = notes_deliveries(second)
    async with second.polling():
        await asyncio.gather(*(second.neonpay.payments.accept(outcome.charge_id or "") for _ in range(5)))
        await second.delivers(outcome)

    assert len(delivered) == 1
    assert len(second.named("payment_completed")) == 1
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    assert {account: int(total) for account, total in await query(accounts)} == {
        "stars": 50,
        "unsettled": 0,
        "revenue": -50,
    }


async def test_a_payment_in_another_currency_that_is_accepted_moves_no_stars(
    shop: Shop, query: Callable[..., Any]
) -> None:
    delivered = notes_deliveries(shop)
    async with shop.polling():
        charge_id = await pays_something_odd(shop, currency=lambda _: "USD")
        assert (await shop.neonpay.payments.accept(charge_id)).state == "accepted"
        async with asyncio.timeout(100):
            while any(job.state != "done" for job in await shop.neonpay.jobs.of(charge_id)):
                await between_looks()

    assert len(delivered) == 2
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    assert {account: int(total) for account, total in await query(accounts)} == {"stars": 50, "revenue": -50}


async def test_a_payment_that_waits_has_nothing_to_retry(shop: Shop) -> None:
    async with shop.polling():
        (outcome,) = await shop.sells_in_vain(await shop.visitor())
        with pytest.raises(PaymentError, match="accept or refund"):
            await shop.neonpay.jobs.retry(outcome.charge_id or "")
        assert len(await shop.neonpay.payments.needs_attention()) == 1


async def test_stars_that_have_gone_back_cannot_be_accepted(open_shop: Callable[..., Shop]) -> None:
    first = open_shop()
    async with first.polling():
        outcome = await first.sells(await first.visitor())
        await first.neonpay.refund(outcome.charge_id or "")
    second = open_shop()
    delivered = notes_deliveries(second)
    async with second.polling():
        with pytest.raises(PaymentError, match="gone back"):
            await second.neonpay.payments.accept(outcome.charge_id or "")
        await second.settles()
    assert delivered == []


async def test_a_charge_that_is_not_there_cannot_be_accepted(shop: Shop) -> None:
    async with shop.polling():
        with pytest.raises(PaymentNotFoundError, match="stx-none"):
            await shop.neonpay.payments.accept("stx-none")
