"""Rows of Telegram's list are read whatever Telegram adds to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonpay.core.transactions import NANOSTARS, Account, Withdrawal, read_star_amount, read_transaction, split_stars

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
partners = st.fixed_dictionaries(
    {},
    optional={
        "type": json_values | st.sampled_from(["user", "fragment", "other", "telegram_ads"]),
        "transaction_type": json_values | st.just("invoice_payment"),
        "user": json_values,
        "invoice_payload": json_values,
        "subscription_period": json_values,
        "affiliate": json_values,
        "withdrawal_state": json_values,
    },
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values | st.text(),
        "amount": json_values | st.integers(),
        "nanostar_amount": json_values,
        "date": json_values,
        "source": json_values | partners,
        "receiver": json_values | partners,
    },
)


def sale(**changes: Any) -> dict[str, Any]:
    partner = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": {"id": 42, "is_bot": False, "first_name": "Ann"},
        "invoice_payload": "np1.x",
        "subscription_period": 2_592_000,
    }
    return {"id": "stx1", "amount": 50, "date": 1_790_000_000, "source": partner, **changes}


def test_a_sale_is_read() -> None:
    row = read_transaction(sale())
    assert row is not None
    assert (row.transaction_id, row.incoming, row.account, row.user_id) == ("stx1", True, Account.SALES, 42)
    assert (row.payload, row.subscription_period_s, row.at_us) == ("np1.x", 2_592_000, 1_790_000_000_000_000)
    assert (row.effect, row.key) == (50 * NANOSTARS, "+stx1")


def test_a_refund_is_the_same_the_other_way() -> None:
    raw = sale()
    raw["receiver"] = raw.pop("source")
    row = read_transaction(raw)
    assert row is not None
    assert (row.incoming, row.account, row.effect, row.key) == (False, Account.SALES, -50 * NANOSTARS, "-stx1")


def test_a_sale_of_an_older_server_is_one_by_its_payload() -> None:
    partner = {"type": "user", "user": {"id": 42}, "invoice_payload": "np1.x"}
    row = read_transaction(sale(source=partner))
    assert row is not None
    assert row.is_sale


@pytest.mark.parametrize(
    ("partner", "account"),
    [
        ({"type": "user", "transaction_type": "gift_purchase"}, Account.GIFTS),
        ({"type": "user", "transaction_type": "something_new"}, Account.OTHER),
        ({"type": "user"}, Account.OTHER),
        ({"type": "chat"}, Account.GIFTS),
        ({"type": "fragment"}, Account.WITHDRAWALS),
        ({"type": "telegram_ads"}, Account.ADS),
        ({"type": "telegram_api", "request_count": 3}, Account.PAID_BROADCASTS),
        ({"type": "affiliate_program"}, Account.AFFILIATE),
        ({"type": "other"}, Account.OTHER),
        ({"type": "something_new"}, Account.OTHER),
        ({}, Account.OTHER),
    ],
)
def test_every_kind_of_partner_has_an_account(partner: dict[str, Any], account: Account) -> None:
    row = read_transaction(sale(source=partner))
    assert row is not None
    assert row.account is account


@pytest.mark.parametrize(("state", "effect"), [("pending", -50), ("succeeded", -50), ("failed", 0), ("new", -50)])
def test_a_withdrawal_that_failed_moves_nothing(state: str, effect: int) -> None:
    raw = sale(receiver={"type": "fragment", "withdrawal_state": {"type": state}})
    del raw["source"]
    row = read_transaction(raw)
    assert row is not None
    assert row.effect == effect * NANOSTARS
    assert row.withdrawal is (Withdrawal(state) if state != "new" else None)


@pytest.mark.parametrize("missing", ["id", "amount", "source"])
def test_a_row_without_what_makes_one_is_no_fact(missing: str) -> None:
    raw = sale()
    del raw[missing]
    assert read_transaction(raw) is None


@given(rows | json_values)
def test_no_row_stops_the_reading(raw: Any) -> None:
    row = read_transaction(raw)
    assert row is None or row.nanostars >= 0


@given(st.integers(-(10**24), 10**24))
def test_stars_and_their_parts_have_the_sign_of_the_whole(nanostars: int) -> None:
    stars, rest = split_stars(nanostars)
    assert stars * NANOSTARS + rest == nanostars
    assert abs(rest) < NANOSTARS
    assert stars * nanostars >= 0 <= rest * nanostars


@given(st.integers(-(10**12), 10**12))
def test_a_balance_is_read_as_it_is_split(nanostars: int) -> None:
    stars, rest = split_stars(nanostars)
    assert read_star_amount({"amount": stars, "nanostar_amount": rest}) == nanostars
    assert read_star_amount("nothing") is None
