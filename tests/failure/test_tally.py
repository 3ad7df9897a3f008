"""The harness itself: what was lost or doubled does not go unseen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from neonpay.simulator import Payment
from tests.failure.proving.remains import Remains
from tests.failure.proving.tally import Tally

TAKEN = [
    Payment(charge, bot_id=1, user_id=2, amount=5, payload="", paid_at=datetime(2026, 11, 21, tzinfo=UTC))
    for charge in ("a", "b")
]
CALLS = Counter({(word, charge): 1 for word in ("reserved", "shipped") for charge in ("a", "b")})


def remains(**changes: Any) -> Remains:
    whole: dict[str, Any] = {
        "payments": Counter(["a", "b"]),
        "states": {"a": "accepted", "b": "accepted"},
        "effects": Counter({(what, charge): 1 for what in ("credited", "delivered") for charge in ("a", "b")}),
        "stars": 10,
        "unbalanced": [],
        "job_states": Counter(done=4),
        "refund_states": {},
        "recovered": 0,
        "oversold": [],
        "dead": [],
    }
    return Remains(**{**whole, **changes})


def tally_of(found: Remains, calls: Counter[tuple[str, str]] = CALLS, balance: int = 10) -> Tally:
    tally = Tally()
    tally.compare(TAKEN, balance, found, calls)
    return tally


def test_whole_books_are_clean() -> None:
    assert tally_of(remains()).is_clean


def test_a_payment_that_is_not_in_the_ledger_is_lost() -> None:
    assert tally_of(remains(payments=Counter(["a"]))).lost == 1


@pytest.mark.parametrize("what", ["credited", "delivered"])
def test_an_effect_that_is_missing_or_there_twice_is_seen(what: str) -> None:
    effects = remains().effects

    assert tally_of(remains(effects=effects - Counter([(what, "a")]))).lost == 1
    assert tally_of(remains(effects=effects + Counter([(what, "a")]))).doubled == 1


def test_a_call_that_was_never_made_is_lost_and_a_second_one_is_a_repeat() -> None:
    assert tally_of(remains(), CALLS - Counter([("shipped", "b")])).lost == 1

    twice = tally_of(remains(), CALLS + Counter([("shipped", "b")]))
    assert (twice.repeated, twice.is_clean) == (1, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"stars": 5},
        {"unbalanced": ["entry"]},
        {"job_states": Counter(done=3, dead=1)},
        {"states": {"a": "accepted", "b": "needs_attention"}},
        {"payments": Counter(["a", "b", "nobody's"])},
    ],
)
def test_other_contradictions_are_told(changes: dict[str, Any]) -> None:
    tally = tally_of(remains(**changes))

    assert len(tally.wrong) == 1
    assert not tally.is_clean


def test_books_that_are_not_clean_are_told() -> None:
    books = {"is_clean": True, "recovered": 0, "report": "", "findings": [], "seals": 1}
    for changes in ({"is_clean": False}, {"recovered": 1}, {"findings": ["altered"]}, {"seals": 0}):
        tally = Tally()
        tally.audit({**books, **changes})
        assert len(tally.wrong) == 1


def test_a_refunded_payment_that_was_delivered_and_never_revoked_is_seen() -> None:
    tally = Tally()
    back = replace(TAKEN[0], refunded=True)
    found = remains(states={"a": "refunded", "b": "accepted"}, stars=5, refund_states={"a": "refunded"})
    tally.compare([back, TAKEN[1]], 5, found, CALLS)
    assert tally.wrong == ["refunded, and never revoked: ['a']"]


def test_an_invoice_that_was_sold_too_often_and_a_dead_letter_are_seen() -> None:
    assert tally_of(remains(oversold=["i"])).wrong == ["invoices that were sold too often: ['i']"]
    assert tally_of(remains(dead=[("handler:deliver", "a")])).wrong != []
