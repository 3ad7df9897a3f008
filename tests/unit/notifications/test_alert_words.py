"""What an owner reads of a payment that waits for them: why in words, and a command that is short enough to type."""

from __future__ import annotations

import re

import pytest

from neonpay.core.clock import moment
from neonpay.core.events import PaymentNeedsAttention, event_names, event_type
from neonpay.core.payments import Attention
from neonpay.notifications.alert_words import written

CHARGE = "stxuk0WzuaDIOumjneMSZ1x6qg8mAM8quAX7JAxuNE3ENexTBlmFivTtUwKKdPQ4yjIgRYMqx_VrEaBF5UoAnUmlnH8eW3569PvTKjcb3iJY"


def waiting(reason: str) -> PaymentNeedsAttention:
    about = {"charge_id": CHARGE, "amount_stars": 3, "reason": reason}
    return PaymentNeedsAttention(bot_id=1, event_id="e", at=moment(0), **about)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("attention", list(Attention))
def test_why_a_payment_waits_is_said_in_words_and_not_as_a_code(attention: Attention, language: str) -> None:
    _, body = written(waiting(attention.value), language)
    (why,) = [line for line in body.splitlines() if line.startswith(("Why: ", "Причина: "))]
    said = why.partition(": ")[2]
    assert said != attention.value
    assert len(said.split()) > 4
    assert said.isascii() == (language == "en")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_event_is_called_in_words_and_not_by_its_name(language: str) -> None:
    for name in event_names():
        if not event_type(name).__module__.startswith("neonpay."):
            continue  # of an extension of somebody else's, which another test has made
        subject, _ = written(event_type(name)(bot_id=1, event_id="e", at=moment(0)), language)
        assert name not in subject
        assert bool(re.search("[\u0400-\u04ff]", subject)) == (language == "ru"), subject


def test_a_why_that_is_no_code_is_said_as_it_is() -> None:
    assert "Why: ask the buyer\n" in written(waiting("ask the buyer"), "en")[1]


def test_commands_name_a_charge_by_its_beginning_and_the_whole_stands_once() -> None:
    body = written(waiting("wrong_amount"), "en")[1]
    assert body.count(CHARGE) == 1
    assert f"neonpay payments accept {CHARGE[:20]}," in body
    assert body.endswith(f"neonpay payments refund {CHARGE[:20]}")


def test_what_another_ledger_has_sold_is_not_to_be_given_back_here() -> None:
    body = written(waiting("other_ledger"), "en")[1]
    assert "neonpay payments refund" not in body
    assert "Do not give it back here" in body
