"""Which checkouts may go through, and what a buyer reads of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from neonpay.core.checkout import CheckoutRefused, Decline, buyer_message, fault_of
from neonpay.core.clock import moment
from neonpay.core.payments import Invoice, PreCheckout
from neonpay.core.stages import PaymentStage

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
@pytest.mark.parametrize("language_code", ["ru", "en"])
def test_every_decline_has_words_of_its_own_that_fit_an_answer(decline: Decline, language_code: str) -> None:
    words = buyer_message(decline, language_code)
    assert 0 < len(words) <= 200
    assert words.endswith(".")
    assert sum(words == buyer_message(other, language_code) for other in Decline) == 1


@pytest.mark.parametrize("language_code", ["ru", "RU", "ru-RU", "Ru-by"])
def test_a_buyer_with_a_russian_client_reads_russian(language_code: str) -> None:
    assert buyer_message(Decline.EXPIRED, language_code) == "Срок действия счёта истёк. Запросите новый."


@pytest.mark.parametrize("language_code", [None, "", "en", "de", "uk", "rue", "x-ru"])
def test_every_other_buyer_reads_english(language_code: str | None) -> None:
    assert buyer_message(Decline.EXPIRED, language_code) == "This invoice has expired. Please ask for a new one."


def test_a_hook_that_refuses_chooses_the_words() -> None:
    refusal = CheckoutRefused("Members only.")
    assert refusal.message == str(refusal) == "Members only."
