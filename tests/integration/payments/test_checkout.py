"""The pre-checkout query: approved only when everything is in order, and answered in time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import sqlalchemy as sa
from aiogram.types import LabeledPrice

from neonpay import PaymentResult, PaymentStage
from neonpay.core.checkout import CheckoutRefused
from neonpay.errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neonpay.core.payments import Invoice, PreCheckout
    from tests.integration.conftest import MovableClock, Shop


async def ask_to_pay(shop: Shop, **visitor: Any) -> Any:
    """How the checkout of one invoice ends."""
    buyer = await shop.visitor(**visitor)
    await shop.neonpay.send_payment(buyer.id, "vip")
    outcome = await buyer.pays(await buyer.hears(shop.account))
    await shop.settles()
    return outcome


def declined_because(shop: Shop) -> list[str | None]:
    return [event.reason for event in shop.named("checkout_declined")]


async def test_an_expired_invoice_is_declined(shop: Shop, clock: MovableClock) -> None:
    shop.neonpay.create_payment_stage(
        "flash", PaymentStage(title="Flash", description="An hour only", price=5, invoice_ttl_s=3600)
    )

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.send_payment(ann.id, "flash")
        message = await ann.hears(shop.account)
        clock.advance(3599)
        in_time = await ann.pays(message)
        clock.advance(1)
        late = await ann.pays(message)
        await shop.settles()

    assert invoice.expires_at is not None
    assert (invoice.expires_at - invoice.created_at).total_seconds() == 3600
    assert in_time.status == "paid"
    assert (late.status, late.reason) == ("declined", "This invoice has expired. Please ask for a new one.")


async def test_a_stage_taken_off_sale_is_declined(shop: Shop) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        message = await ann.hears(shop.account)
        shop.neonpay.remove_payment_stage("vip")
        outcome = await ann.pays(message)

    assert (outcome.status, outcome.reason) == ("declined", "This is no longer for sale.")


async def test_a_changed_stage_does_not_change_an_invoice_that_was_made_before(shop: Shop) -> None:
    sold: list[PaymentResult] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        sold.append(result)

    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        old = await ann.hears(shop.account)
        shop.neonpay.replace_payment_stage("vip", PaymentStage(title="VIP plus", description="More", price=99))
        await shop.neonpay.send_payment(ann.id, "vip")
        new = await ann.hears(shop.account)
        outcomes = [await ann.pays(old), await ann.pays(new)]
        await shop.settles()

    assert [outcome.status for outcome in outcomes] == ["paid", "paid"]
    assert [(result.amount, result.stage and result.stage.title) for result in sold] == [(50, "VIP"), (99, "VIP plus")]


async def host_sends_invoice(shop: Shop, user_id: int, payload: str, *, price: int = 50) -> None:
    """An invoice that the host's own code made."""
    prices = [LabeledPrice(label="VIP", amount=price)]
    await shop.bot.send_invoice(user_id, "VIP", "A month", payload, "XTR", prices)


@pytest.mark.parametrize("price", [49, 51, 1])
async def test_an_invoice_with_another_price_than_its_payload_says_is_declined(shop: Shop, price: int) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.send_payment(ann.id, "vip")
        await ann.hears(shop.account)
        await host_sends_invoice(shop, ann.id, invoice.payload, price=price)
        outcome = await ann.pays(await ann.hears(shop.account))
        await shop.settles()

    assert outcome.status == "declined"
    assert declined_because(shop) == ["wrong_amount"]


@pytest.mark.parametrize("position", [5, 27, 30, -1])
async def test_a_forged_payload_is_declined(shop: Shop, position: int) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.send_payment(ann.id, "vip")
        await ann.hears(shop.account)
        text = list(invoice.payload)
        text[position] = "A" if text[position] != "A" else "B"
        await host_sends_invoice(shop, ann.id, "".join(text))
        outcome = await ann.pays(await ann.hears(shop.account))
        await shop.settles()

    assert outcome.status == "declined"
    assert outcome.reason == "This invoice is not valid. Please ask for a new one."
    assert declined_because(shop) == ["forged_payload"]
    assert await shop.neonpay.payments.history(ann.id) == []


async def test_a_payload_of_another_bot_is_declined(open_shop: Callable[..., Shop]) -> None:
    shop, other = open_shop(), open_shop(username="other_bot")
    async with shop.polling():
        invoice = await other.neonpay.create_payment_link("vip")
        ann = await shop.visitor()
        await host_sends_invoice(shop, ann.id, invoice.payload)
        outcome = await ann.pays(await ann.hears(shop.account))
        await shop.settles()

    assert outcome.status == "declined"
    assert declined_because(shop) == ["forged_payload"]


async def test_an_invoice_that_the_ledger_does_not_have_is_declined(
    open_shop: Callable[..., Shop], tmp_path: Any
) -> None:
    secret = "the same secret in both places"
    elsewhere = open_shop(database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}", secret=secret)
    shop = open_shop(secret=secret)
    async with shop.polling():
        invoice = await elsewhere.neonpay.create_payment_link("vip")
        ann = await shop.visitor()
        outcome = await ann.pays(invoice.link or "")
        await shop.settles()

    assert outcome.status == "declined"
    assert declined_because(shop) == ["unknown_invoice"]


def refuses(query: PreCheckout) -> None:
    raise CheckoutRefused("Only for members.")


async def answers_a_text(query: PreCheckout) -> str:
    return "Only for members."


async def answers_a_blank(query: PreCheckout) -> str:
    return " "


async def answers_no(query: PreCheckout) -> bool:
    return False


async def crashes(query: PreCheckout) -> None:
    raise ZeroDivisionError


async def hangs(query: PreCheckout) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("hook", "reason", "words"),
    [
        (refuses, "refused", "Only for members."),
        (answers_a_text, "refused", "Only for members."),
        (answers_a_blank, "refused", "The seller cannot take this payment."),
        (answers_no, "refused", "The seller cannot take this payment."),
        (crashes, "error", "Something went wrong in the shop. No Stars were taken; please try again."),
        (hangs, "too_slow", "The shop took too long to answer. No Stars were taken; please try again."),
    ],
)
async def test_a_hook_that_does_not_agree_declines(
    open_shop: Callable[..., Shop], hook: Callable[..., Any], reason: str, words: str
) -> None:
    shop = open_shop(checkout_budget_s=0.3 if hook is hangs else 8.0)
    assert shop.neonpay.on_pre_checkout(hook) is hook
    async with shop.polling():
        outcome = await ask_to_pay(shop)

    assert (outcome.status, outcome.reason) == ("declined", words)
    assert declined_because(shop) == [reason]
    assert shop.named("checkout_approved") == []
    assert shop.telegram.balance(shop.account) == 0


async def test_a_hook_sees_the_query_the_invoice_the_stage_and_the_host(shop: Shop) -> None:
    seen: list[Any] = []

    @shop.neonpay.on_pre_checkout
    async def look(query: PreCheckout, invoice: Invoice, stage: PaymentStage, bot: object, limit: int) -> None:
        seen.extend([query.user_id, query.amount, invoice.price_stars, stage.title, bot, limit])

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling(limit=3):
        outcome = await ask_to_pay(shop)
        payment = await shop.neonpay.payments.get(outcome.charge_id)

    assert outcome.status == "paid"
    assert seen == [payment.user_id, 50, 50, "VIP", shop.bot, 3]


async def test_a_hook_of_a_stage_is_asked_about_no_other(shop: Shop) -> None:
    asked: list[str] = []

    @shop.neonpay.on_pre_checkout(stage="gold")
    async def gold(invoice: Invoice) -> bool:
        asked.append("gold")
        return False

    @shop.neonpay.on_pre_checkout(stage=["gold", "vip"])
    async def both(invoice: Invoice) -> None:
        asked.append(invoice.stage_id)

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        outcome = await ask_to_pay(shop)

    assert (outcome.status, asked) == ("paid", ["vip"])


async def test_a_hook_that_asks_for_what_nobody_has_is_refused_at_the_start_with_what_there_is(shop: Shop) -> None:
    @shop.neonpay.on_pre_checkout
    async def look(query: PreCheckout, basket: object, spare: int = 1) -> None: ...

    with pytest.raises(HandlerError, match=r"look asks for 'basket'; it may ask for: query, invoice, stage, .*bot"):
        await shop.neonpay.setup()


async def test_every_hook_must_agree(shop: Shop) -> None:
    asked: list[str] = []

    @shop.neonpay.on_pre_checkout
    async def agree(query: PreCheckout) -> bool:
        asked.append("first")
        return True

    @shop.neonpay.on_pre_checkout
    def refuse(query: PreCheckout) -> bool:
        asked.append("second")
        return False

    async with shop.polling():
        outcome = await ask_to_pay(shop)

    assert outcome.status == "declined"
    assert asked == ["first", "second"]


@pytest.mark.parametrize("language_code", ["ru", "ru-RU"])
async def test_a_russian_buyer_reads_russian(shop: Shop, language_code: str) -> None:
    shop.neonpay.on_pre_checkout(answers_no)
    async with shop.polling():
        outcome = await ask_to_pay(shop, language_code=language_code)

    assert outcome.reason == "Продавец не может принять этот платёж."


async def test_a_declined_checkout_never_becomes_a_payment(shop: Shop) -> None:
    shop.neonpay.on_pre_checkout(answers_no)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=60)
        await shop.neonpay.send_payment(ann.id, "vip")
        message = await ann.hears(shop.account)
        for _ in range(3):
            assert (await ann.pays(message)).status == "declined"
        await shop.settles()
        assert await shop.neonpay.payments.history(ann.id) == []

    assert (ann.stars, shop.telegram.balance(shop.account)) == (60, 0)


_PATIENCE_S = 3.0
"""What a checkout that waits for a lock takes here, and ten times what another one took on a machine with much to do."""


@asynccontextmanager
async def locked(database_url: str) -> AsyncIterator[None]:
    """Somebody else holds the database for as long as the block lasts."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        connection = sqlite3.connect(url.database or "", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
        connection.close()
        return
    server = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    async with server.transaction():
        await server.execute("LOCK TABLE neonpay_events IN EXCLUSIVE MODE")
        yield
    await server.close()


async def test_a_checkout_that_a_locked_database_holds_up_is_declined_in_time(
    open_shop: Callable[..., Shop], database_url: str
) -> None:
    shop = open_shop(checkout_budget_s=_PATIENCE_S)

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        message = await ann.hears(shop.account)
        async with locked(database_url):
            declined = await ann.pays(message)
        paid = await ann.pays(message)
        await shop.settles()

    assert (declined.status, declined.reason) == (
        "declined",
        "The shop took too long to answer. No Stars were taken; please try again.",
    )
    assert paid.status == "paid"
    assert declined_because(shop) == ["too_slow"]


async def test_a_checkout_declined_over_a_locked_database_keeps_nobody_from_paying(
    open_shop: Callable[..., Shop], database_url: str
) -> None:
    shop = open_shop(checkout_budget_s=_PATIENCE_S)
    shop.neonpay.create_payment_stage("one", PaymentStage(title="One", description="One only", price=5, max_payments=1))

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        link = (await shop.neonpay.create_payment_link("one")).link or ""
        async with locked(database_url):
            declined = await ann.pays(link)
        await shop.fact("checkout_declined")
        paid = await bob.pays(link)
        await shop.settles()

    assert (declined.status, paid.status) == ("declined", "paid")
    assert [event.user_id for event in shop.named("checkout_approved")] == [bob.id]


async def test_a_checkout_that_was_approved_too_late_keeps_nobody_from_paying(open_shop: Callable[..., Shop]) -> None:
    only_one = PaymentStage(title="One", description="One only", price=5, max_payments=1)
    first = open_shop()
    first.neonpay.create_payment_stage("one", only_one)
    async with first.polling():
        ann, bob = await first.visitor("Ann"), await first.visitor("Bob")
        link = (await first.neonpay.create_payment_link("one")).link or ""
    checkout = await ann.begins_to_pay(link)
    await first.telegram.advance(15)
    assert (await checkout.outcome()).status == "timed_out"

    second = open_shop()
    second.neonpay.create_payment_stage("one", only_one)

    @second.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with second.polling():
        await second.settles()
        outcome = await bob.pays(link)
        await second.settles()

    assert outcome.status == "paid"


async def test_a_checkout_that_waited_out_its_deadline_while_the_bot_was_down_changes_nothing(
    open_shop: Callable[..., Shop],
) -> None:
    first = open_shop()
    async with first.polling():
        ann = await first.visitor()
        invoice = await first.neonpay.create_payment_link("vip")
    checkout = await ann.begins_to_pay(invoice.link or "")
    await first.telegram.advance(15)
    assert (await checkout.outcome()).status == "timed_out"

    second = open_shop()

    @second.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with second.polling():
        await second.settles()
        (answer,) = second.telegram.calls("answerPreCheckoutQuery")
        assert await second.neonpay.payments.history(ann.id) == []
        assert (await ann.pays(invoice.link or "")).status == "paid"
        await second.settles()

    assert not answer.ok
    assert "query is too old" in (answer.description or "")


async def test_checkouts_that_come_together_each_get_an_answer_of_their_own(shop: Shop) -> None:
    only_one = PaymentStage(title="One", description="One only", price=5, max_payments=1)
    shop.neonpay.create_payment_stage("one", only_one)

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling(handle_as_tasks=True):
        people = [await shop.visitor(f"Buyer {number}") for number in range(12)]
        contested = (await shop.neonpay.create_payment_link("one")).link or ""
        [ann, *others] = people
        begun = {"somebody else's": await _begins_for(shop, others[0], ann.id)}
        begun |= {f"contested {n}": await others[n].begins_to_pay(contested) for n in (1, 2)}
        begun |= {f"own {n}": await _begins_for(shop, others[n], others[n].id) for n in range(3, 11)}
        outcomes = {name: (await checkout.outcome()).status for name, checkout in begun.items()}
        await shop.settles()
    paid = [name for name, status in outcomes.items() if status == "paid"]
    assert len([name for name in paid if name.startswith("own")]) == 8
    assert len([name for name in paid if name.startswith("contested")]) == 1
    assert outcomes["somebody else's"] == "declined"
    assert sorted(declined_because(shop), key=str) in (["being_paid", "wrong_payer"], ["already_paid", "wrong_payer"])
    assert len(shop.named("checkout_approved")) == len(shop.named("payment_completed")) == 9


async def _begins_for(shop: Shop, buyer: Any, user_id: int) -> Any:
    offer = await shop.neonpay.create_payment_link("vip", user_id=user_id)
    return await buyer.begins_to_pay(offer.link or "")
