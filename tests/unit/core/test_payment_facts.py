"""What a recorded payment says to a handler."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from neonpay.core.clock import moment
from neonpay.core.payments import (
    Charge,
    Invoice,
    Payment,
    PaymentResult,
    PaymentState,
    PaymentStatus,
    PreCheckout,
    RefundNotice,
    Source,
    moment_or_none,
)
from neonpay.core.stages import PaymentStage, RepeatPolicy
from neonpay.testing import make_payment

STAGE = PaymentStage(title="Coffee", description="One cup", price=5)
PAID_AT = moment(1_800_000_000_500_000)
PAYMENT = Payment(
    bot_id=1,
    charge_id="charge",
    user_id=7,
    amount_stars=5,
    currency="XTR",
    state=PaymentState.ACCEPTED,
    attention=None,
    invoice_id="invoice",
    stage_id="coffee",
    stage_version=1,
    stage=STAGE,
    number=1,
    metadata={"table": 4},
    payload="secret payload",
    paid_at=PAID_AT,
    recorded_at=PAID_AT,
    source=Source.UPDATE,
)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (PaymentState.ACCEPTED, PaymentStatus.COMPLETED),
        (PaymentState.NEEDS_ATTENTION, PaymentStatus.FAILED),
        (PaymentState.REFUND_DUE, PaymentStatus.PENDING),
        (PaymentState.REFUNDED, PaymentStatus.REFUNDED),
    ],
)
def test_a_state_of_the_ledger_has_a_public_status(state: PaymentState, status: PaymentStatus) -> None:
    assert replace(PAYMENT, state=state).status is status


@pytest.mark.parametrize("state", PaymentState)
def test_no_state_is_without_a_status(state: PaymentState) -> None:
    assert replace(PAYMENT, state=state).status in PaymentStatus


def test_a_result_tells_who_paid_what_for_which_stage() -> None:
    result = PaymentResult.of(PAYMENT)
    assert (result.user_id, result.amount, result.currency, result.status) == (7, 5, "XTR", PaymentStatus.COMPLETED)
    assert (result.stage, result.stage_id, result.invoice_id) == (STAGE, "coffee", "invoice")
    assert result.transaction_id == "charge"
    assert result.metadata == {"table": 4}
    assert result.timestamp == pytest.approx(1_800_000_000.5, abs=0)
    assert result.payment is PAYMENT


def test_a_result_does_not_change() -> None:
    result = PaymentResult.of(PAYMENT)
    with pytest.raises(FrozenInstanceError):
        result.amount = 500  # type: ignore[misc]  # the rule


@pytest.mark.parametrize(
    ("repeat", "number", "extends"),
    [
        (RepeatPolicy.EXTEND, 1, False),
        (RepeatPolicy.EXTEND, 2, True),
        (RepeatPolicy.EXTEND, 0, False),
        (RepeatPolicy.AGAIN, 2, False),
        (RepeatPolicy.REFUND, 2, False),
    ],
)
def test_only_a_repeated_payment_of_a_stage_that_extends_is_an_extension(
    repeat: RepeatPolicy, number: int, *, extends: bool
) -> None:
    payment = replace(PAYMENT, number=number, stage=replace(STAGE, repeat=repeat))
    assert PaymentResult.of(payment).is_extension is extends


def test_a_repeated_payment_of_an_unknown_stage_is_no_extension() -> None:
    assert PaymentResult.of(replace(PAYMENT, number=2, stage=None)).is_extension is False


def test_raw_is_telegrams_object_of_a_single_payment() -> None:
    assert PaymentResult.of(PAYMENT).raw == {
        "currency": "XTR",
        "total_amount": 5,
        "invoice_payload": "secret payload",
        "telegram_payment_charge_id": "charge",
        "provider_payment_charge_id": "",
    }


def test_raw_is_telegrams_object_of_a_subscription_payment() -> None:
    first = replace(
        PAYMENT,
        provider_charge_id="provider",
        is_recurring=True,
        is_first_recurring=True,
        subscription_expires_at=moment(1_802_592_000_000_000),
    )
    raw = PaymentResult.of(first).raw
    assert raw["provider_payment_charge_id"] == "provider"
    assert (raw["is_recurring"], raw["is_first_recurring"]) == (True, True)
    assert raw["subscription_expiration_date"] == 1_802_592_000
    assert PaymentResult.of(first).is_recurring is True


def test_a_flag_that_is_not_set_is_left_out_of_raw_as_telegram_does() -> None:
    renewal = PaymentResult.of(replace(PAYMENT, is_recurring=True)).raw
    assert renewal["is_recurring"] is True
    assert "is_first_recurring" not in renewal
    assert "subscription_expiration_date" not in renewal


@pytest.mark.parametrize(
    "fact",
    [
        PAYMENT,
        PaymentResult.of(PAYMENT),
        PreCheckout(bot_id=1, query_id="q", user_id=7, currency="XTR", amount=5, payload="secret payload"),
        Charge(bot_id=1, charge_id="c", user_id=7, amount=5, currency="XTR", payload="secret payload", paid_at_us=1),
        RefundNotice(bot_id=1, charge_id="c", user_id=7, amount=5, payload="secret payload"),
        Invoice(
            bot_id=1,
            invoice_id="i",
            stage_id="coffee",
            stage_version=1,
            stage=STAGE,
            user_id=7,
            price_stars=5,
            payload="secret payload",
            created_at=PAID_AT,
        ),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_no_repr_shows_a_payload(fact: object) -> None:
    assert "secret payload" not in repr(fact)


def test_a_moment_that_may_be_missing_stays_missing() -> None:
    assert moment_or_none(None) is None
    assert moment_or_none(1_800_000_000_500_000) == PAID_AT


def test_a_payment_is_called_what_is_known_of_it_best() -> None:
    assert make_payment().title == "Tea"
    assert make_payment(own_title="Order 17").title == "Order 17"
    assert make_payment(stage=None).title == "tea"
    assert make_payment(stage=None, stage_id=None).title is None
