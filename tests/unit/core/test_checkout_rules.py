"""Which checkouts may go through, and what a buyer reads of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from neonpay.core.checkout import CheckoutRefused, Decline, decline_text, fault_of
from neonpay.core.clock import moment
from neonpay.core.payments import Invoice, PreCheckout
from neonpay.core.stages import PaymentStage
from neonpay.errors import ValidationError

NOW = moment(1_800_000_000_000_000)
TICK = timedelta(microseconds=1)
STAGE = PaymentStage(title="Coffee", description="One cup", price=5)
INVOICE = Invoice(
    bot_id=1,
    invoice_id="i",
    stage_id="coffee",
    stage_version=1,
    stage=STAGE,
    user_id=7,
    price_stars=5,
    payload="p",
    created_at=NOW,
)
QUERY = PreCheckout(bot_id=1, query_id="q", user_id=7, currency="XTR", amount=5, payload="p")


def fault(
    query: PreCheckout = QUERY,
    *,
    quoted_stars: int = 5,
    invoice: Invoice | None = INVOICE,
    is_on_sale: bool = True,
) -> Decline | None:
    return fault_of(query, quoted_stars=quoted_stars, invoice=invoice, is_on_sale=is_on_sale, now=NOW)


def test_a_checkout_that_is_what_was_offered_may_go_through() -> None:
    assert fault() is None


def test_a_checkout_of_an_invoice_that_nobody_knows_is_declined() -> None:
    assert fault(invoice=None) is Decline.UNKNOWN_INVOICE


@pytest.mark.parametrize("amount", [4, 6, 0, -5, 500])
def test_a_checkout_for_another_amount_is_declined(amount: int) -> None:
    assert fault(replace(QUERY, amount=amount)) is Decline.WRONG_AMOUNT


@pytest.mark.parametrize("currency", ["USD", "xtr", ""])
def test_a_checkout_in_another_currency_is_declined(currency: str) -> None:
    assert fault(replace(QUERY, currency=currency)) is Decline.WRONG_AMOUNT


def test_a_checkout_whose_signed_price_is_not_the_ledgers_is_declined() -> None:
    assert fault(quoted_stars=6) is Decline.WRONG_AMOUNT


def test_an_invoice_keeps_its_price_when_its_stage_gets_another() -> None:
    assert fault(invoice=replace(INVOICE, stage=replace(STAGE, price=50))) is None


def test_an_invoice_made_for_one_user_is_declined_for_another() -> None:
    assert fault(replace(QUERY, user_id=8)) is Decline.WRONG_PAYER


def test_an_invoice_made_for_nobody_may_be_paid_by_anybody() -> None:
    assert fault(replace(QUERY, user_id=8), invoice=replace(INVOICE, user_id=None)) is None


def test_a_stage_taken_off_sale_is_declined() -> None:
    assert fault(is_on_sale=False) is Decline.NOT_ON_SALE


def test_an_invoice_expires_at_its_time_and_not_before() -> None:
    assert fault(invoice=replace(INVOICE, expires_at=NOW + TICK)) is None
    assert fault(invoice=replace(INVOICE, expires_at=NOW)) is Decline.EXPIRED
    assert fault(invoice=replace(INVOICE, expires_at=NOW - TICK)) is Decline.EXPIRED


def test_an_invoice_takes_as_many_payments_as_the_version_it_was_made_with_says() -> None:
    twice = replace(INVOICE, stage=replace(STAGE, max_payments=2))
    assert fault(invoice=replace(twice, payments_count=9, seats_taken=1)) is None
    assert fault(invoice=replace(twice, payments_count=9, seats_taken=2)) is Decline.ALREADY_PAID
    assert fault(invoice=replace(twice, payments_count=9, seats_taken=2)) is Decline.ALREADY_PAID


def test_an_invoice_without_a_limit_may_be_paid_any_number_of_times() -> None:
    assert fault(invoice=replace(INVOICE, payments_count=1_000_000, seats_taken=1_000_000)) is None


def test_the_worst_fault_is_the_one_that_is_told() -> None:
    wrong_in_every_way = replace(QUERY, amount=6, user_id=8)
    expired = replace(INVOICE, expires_at=NOW)
    assert fault(wrong_in_every_way, invoice=expired, is_on_sale=False) is Decline.WRONG_AMOUNT
    assert fault(replace(QUERY, user_id=8), invoice=expired, is_on_sale=False) is Decline.WRONG_PAYER


@pytest.mark.parametrize("decline", Decline)
def test_every_decline_has_words_of_its_own(decline: Decline) -> None:
    words = decline_text(decline).english
    assert words.endswith(".")
    assert sum(words == decline_text(other).english for other in Decline) == 1


def test_a_reason_that_is_not_ours_has_the_words_of_a_refusal() -> None:
    assert decline_text("sold_out") == decline_text(Decline.REFUSED)


@pytest.mark.parametrize("reason", ["", "Sold out", "sold-out", "sold_out\n", "1st", "a" * 65, None, 7])
def test_a_reason_is_a_word_that_programs_compare(reason: Any) -> None:
    with pytest.raises(ValidationError, match="sold_out"):
        CheckoutRefused("Members only.", reason=reason)
    assert CheckoutRefused("Members only.", reason="clubs.members_only").reason == "clubs.members_only"


def test_a_hook_that_refuses_chooses_the_words() -> None:
    refusal = CheckoutRefused("Members only.")
    assert (refusal.message, str(refusal), refusal.reason) == ("Members only.", "Members only.", "refused")
