"""Assertions say what happened instead, and payments can be made of thin air."""

from __future__ import annotations

import pytest

from neonpay import PaymentStage, PaymentStatus
from neonpay.core.payments import RefundState
from neonpay.errors import RefundError
from neonpay.testing import (
    assert_balance,
    assert_called,
    assert_declined,
    assert_delivered_once,
    assert_paid,
    assert_refunded,
    make_payment,
    make_refund,
    make_result,
    make_stage,
)


@pytest.fixture
async def tea(neonpay_app, buyer):
    """An invoice for five Stars that was heard."""
    neonpay_app.create_payment_stage("tea", PaymentStage(title="Tea", description="A cup", price=5))
    await buyer.says("/start")
    await neonpay_app.send_payment(buyer.id, "tea")
    return await buyer.hears()


def deliver(app, *, fails=False):
    @app.on_payment
    async def deliver(result):
        assert not fails, "no tea left"


async def test_a_sale_that_went_well(telegram, buyer, neonpay_app, tea):
    deliver(neonpay_app)
    outcome = await buyer.pays(tea)
    assert assert_paid(outcome, stars=5) == outcome.charge_id
    await assert_delivered_once(neonpay_app, outcome)
    await assert_delivered_once(neonpay_app, outcome.charge_id)
    assert_balance(buyer, 995)
    assert [call.params["chat_id"] for call in assert_called(telegram, "sendInvoice", times=1)] == [buyer.id]
    await neonpay_app.refund(outcome.charge_id)
    assert_refunded(telegram, outcome)
    assert_refunded(telegram, outcome.charge_id, bot=telegram.bots()[0])


async def test_a_payment_that_was_declined(buyer, neonpay_app, tea):
    deliver(neonpay_app)
    neonpay_app.on_pre_checkout(lambda query: "Not today.")
    outcome = await buyer.pays(tea)
    assert_declined(outcome, reason="Not today")
    with pytest.raises(AssertionError, match=r"the payment of 5 Stars is declined \(Not today\.\)"):
        assert_paid(outcome)
    with pytest.raises(AssertionError, match="does not say 'Tomorrow'"):
        assert_declined(outcome, reason="Tomorrow")


async def test_a_payment_that_was_not_given_back(telegram, buyer, neonpay_app, tea):
    deliver(neonpay_app)
    outcome = await buyer.pays(tea)
    with pytest.raises(AssertionError, match="the bot did not ask for it"):
        assert_refunded(telegram, outcome)
    with pytest.raises(AssertionError, match="no bot was ever paid"):
        assert_refunded(telegram, "stxNothing")
    await assert_delivered_once(neonpay_app, outcome)
    telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_FOUND")
    with pytest.raises(RefundError, match="CHARGE_NOT_FOUND"):
        await neonpay_app.refund(outcome.charge_id)
    with pytest.raises(AssertionError, match="Telegram refused: Bad Request: CHARGE_NOT_FOUND"):
        assert_refunded(telegram, outcome)


async def test_a_payment_that_was_not_delivered(buyer, neonpay_app, tea):
    deliver(neonpay_app, fails=True)
    outcome = await buyer.pays(tea)
    with pytest.raises(AssertionError, match=r"was not delivered:(.|\n)*attempts: 1.*no tea left"):
        await assert_delivered_once(neonpay_app, outcome)
    with pytest.raises(AssertionError, match="has not recorded it after 0 s"):
        await assert_delivered_once(neonpay_app, "stxNothing", timeout_s=0)


async def test_a_payment_that_nobody_delivers(buyer, neonpay_app, tea):
    outcome = await buyer.pays(tea)
    with pytest.raises(AssertionError, match=r"no handler takes payments of stage 'tea', so nothing was delivered"):
        await assert_delivered_once(neonpay_app, outcome)


async def test_balances_and_calls_that_differ(telegram, buyer, neonpay_app, tea):
    with pytest.raises(AssertionError, match="Ann has 1000 Stars and not 995"):
        assert_balance(buyer, 995)
    with pytest.raises(AssertionError, match="shop_bot has 0 Stars and not 5"):
        assert_balance(telegram.bots()[0], 5)
    with pytest.raises(AssertionError, match=r"was not called 2 times, but once(.|\n)*'title': 'Tea'"):
        assert_called(telegram, "sendInvoice", times=2)
    with pytest.raises(AssertionError, match=r"refundStarPayment was never called(.|\n)*called at all:.*sendInvoice"):
        assert_called(telegram, "refundStarPayment")
    assert_called(telegram, "refundStarPayment", times=0)


def test_people_who_block_are_asserted_on_too(sync_telegram, sync_buyer):
    assert_balance(sync_buyer, 1000)
    with pytest.raises(AssertionError, match="sendMessage was never called"):
        assert_called(sync_telegram, "sendMessage")


def test_a_handler_is_called_with_a_made_result():
    result = make_result(user_id=7, stage=make_stage(price=9, payload={"cups": 2}))
    assert (result.user_id, result.amount, result.metadata) == (7, 9, {"cups": 2})
    assert (result.status, result.stage_id, result.currency) == (PaymentStatus.COMPLETED, "tea", "XTR")
    assert result.raw["telegram_payment_charge_id"] == result.transaction_id
    assert make_result() == make_result()
    assert make_result(charge_id="stxOther").transaction_id == "stxOther"


def test_a_made_refund_is_of_its_payment():
    payment = make_payment(user_id=7, amount_stars=3)
    refund = make_refund(payment, reason="cold")
    assert (refund.charge_id, refund.user_id, refund.amount_stars) == (payment.charge_id, 7, 3)
    assert refund.finished_at is not None
    assert make_refund(state=RefundState.INTENDED).finished_at is None
