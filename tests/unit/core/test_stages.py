"""What a stage may be, and what every other attempt is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace

import pytest

from neonpay.core import limits
from neonpay.core.stages import PaymentStage, RefundPolicy, RepeatPolicy
from neonpay.errors import ValidationError

TEN_YEARS_S = 10 * 365 * 86_400


def stage(**values: object) -> PaymentStage:
    content: dict[str, object] = {"title": "Coffee", "description": "One cup", "price": 5}
    return PaymentStage(**{**content, **values})  # type: ignore[arg-type]  # wrong values are what is tested


@pytest.mark.parametrize(
    ("field", "edge"),
    [
        ("title", "t" * limits.TITLE_MIN_CHARS),
        ("title", "t" * limits.TITLE_MAX_CHARS),
        ("description", "d" * limits.DESCRIPTION_MIN_CHARS),
        ("description", "d" * limits.DESCRIPTION_MAX_CHARS),
        ("price", limits.PRICE_MIN_STARS),
        ("price", limits.PRICE_MAX_STARS),
        ("label", "l"),
        ("label", "l" * limits.MESSAGE_TEXT_MAX_CHARS),
        ("photo_url", None),
        ("photo_url", "http://a"),
        ("photo_url", "https://example.org/a.jpg?size=1#x"),
        ("start_parameter", None),
        ("start_parameter", "a"),
        ("start_parameter", "-_" + "9" * (limits.START_PARAMETER_MAX_CHARS - 2)),
        ("max_payments", None),
        ("max_payments", 1),
        ("max_payments", 2**31 - 1),
        ("invoice_ttl_s", None),
        ("invoice_ttl_s", 1),
        ("invoice_ttl_s", TEN_YEARS_S),
        ("repeat", RepeatPolicy.EXTEND),
    ],
)
def test_a_value_at_its_bound_is_kept(field: str, edge: object) -> None:
    assert getattr(stage(**{field: edge}), field) == edge


@pytest.mark.parametrize(
    ("field", "value", "bound"),
    [
        ("title", "", "1–32 characters"),
        ("title", " \n", "not blank"),
        ("title", "t" * (limits.TITLE_MAX_CHARS + 1), "1–32 characters"),
        ("title", None, "1–32 characters"),
        ("title", b"Coffee", "1–32 characters"),
        ("description", "", "1–255 characters"),
        ("description", "d" * (limits.DESCRIPTION_MAX_CHARS + 1), "1–255 characters"),
        ("price", 0, "whole number of Stars from 1"),
        ("price", -5, "whole number of Stars from 1"),
        ("price", limits.PRICE_MAX_STARS + 1, str(limits.PRICE_MAX_STARS)),
        ("price", True, "whole number of Stars"),
        ("price", 5.0, "whole number of Stars"),
        ("price", "5", "whole number of Stars"),
        ("price", None, "whole number of Stars"),
        ("label", "", "1–4096 characters"),
        ("label", "l" * (limits.MESSAGE_TEXT_MAX_CHARS + 1), "1–4096 characters"),
        ("photo_url", "", "http or https"),
        ("photo_url", "ftp://example.org/a.jpg", "http or https"),
        ("photo_url", "example.org/a.jpg", "http or https"),
        ("photo_url", "https://", "http or https"),
        ("photo_url", "https://[broken", "http or https"),
        ("photo_url", "https://example.org/a b.jpg", "http or https"),
        ("photo_url", 7, "http or https"),
        ("start_parameter", "", "1–64 characters"),
        ("start_parameter", "a" * (limits.START_PARAMETER_MAX_CHARS + 1), "1–64 characters"),
        ("start_parameter", "with space", "A-Z, a-z, 0-9, _ and -"),
        ("start_parameter", "line\n", "A-Z, a-z, 0-9, _ and -"),
        ("start_parameter", "чай", "A-Z, a-z, 0-9, _ and -"),
        ("start_parameter", 7, "1–64 characters"),
        ("max_payments", 0, "whole number of payments from 1"),
        ("max_payments", 2**31, "to 2147483647"),
        ("max_payments", True, "whole number of payments"),
        ("invoice_ttl_s", 0, "whole number of seconds from 1"),
        ("invoice_ttl_s", TEN_YEARS_S + 1, str(TEN_YEARS_S)),
        ("invoice_ttl_s", 60.0, "whole number of seconds"),
        ("repeat", "never", "again"),
        ("repeat", ["again"], "again"),
    ],
)
def test_a_value_past_its_bound_is_refused_with_field_bound_and_value(field: str, value: object, bound: str) -> None:
    with pytest.raises(ValidationError) as refused:
        stage(**{field: value})
    error = refused.value
    assert isinstance(error, ValueError)
    assert (error.field, error.value) == (field, value)
    assert bound in error.bound
    assert str(error).startswith(f"{field} must be {error.bound}; got ")


@pytest.mark.parametrize("field", ["title", "description", "label"])
def test_text_that_utf8_cannot_write_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=f"^{field} must be "):
        stage(**{field: "half a pair \ud800"})


def test_a_long_wrong_value_is_shown_shortened() -> None:
    with pytest.raises(ValidationError) as refused:
        stage(title="t" * 5_000)
    assert len(str(refused.value)) < 200
    assert "5002 characters" in str(refused.value)


def test_a_title_counts_characters_and_not_bytes() -> None:
    title = "🌟" * limits.TITLE_MAX_CHARS
    assert stage(title=title).title == title


def test_a_repeat_policy_may_be_named_by_its_word() -> None:
    assert stage(repeat="refund").repeat is RepeatPolicy.REFUND


def test_a_stage_does_not_change() -> None:
    coffee = stage()
    with pytest.raises(FrozenInstanceError):
        coffee.price = 1  # type: ignore[misc]  # the rule


def test_a_copy_with_a_changed_value_is_checked_again() -> None:
    with pytest.raises(ValidationError, match=r"^price must be "):
        replace(stage(), price=0)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"sku": "A-1", "count": 3, "ratio": 0.5, "gift": True, "note": None},
        {"nested": {"list": [1, [2, {"deep": "чай 🌟"}]]}},
        {"": "an empty key", "nul": "\x00"},
    ],
)
def test_a_payload_is_any_json_object(payload: Mapping[str, object]) -> None:
    assert stage(payload=payload).payload == payload


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        {1: "a key that is no text"},
        {"nested": {1: "a key that is no text"}},
        {"set": {1}},
        {"bytes": b"x"},
        {"nan": float("nan")},
        {"infinite": float("inf")},
        {"object": object()},
        {"half a pair": "\ud800"},
        {"half a key \ud800": 1},
    ],
)
def test_a_payload_that_json_cannot_write_as_it_is_is_refused(payload: object) -> None:
    with pytest.raises(ValidationError, match=r"^payload must be ") as refused:
        stage(payload=payload)
    assert refused.value.value is payload


def test_a_payload_that_contains_itself_is_refused() -> None:
    loop: dict[str, object] = {}
    loop["self"] = loop
    with pytest.raises(ValidationError, match=r"^payload must be "):
        stage(payload=loop)


def test_a_payload_too_deep_to_write_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValidationError, match=r"^payload must be "):
        stage(payload={"deep": deep})


def test_a_payload_is_a_copy_that_nobody_can_write_to() -> None:
    given = {"list": [1]}
    coffee = stage(payload=given)
    given["list"].append(2)
    assert coffee.payload == {"list": [1]}
    with pytest.raises(TypeError):
        coffee.payload["new"] = 1  # type: ignore[index]  # the rule


def test_a_stage_comes_back_from_its_json_as_it_was() -> None:
    full = stage(
        label="Price",
        photo_url="https://example.org/cup.jpg",
        payload={"sku": ["чай", 1, None]},
        start_parameter="cup",
        repeat=RepeatPolicy.REFUND,
        max_payments=3,
        invoice_ttl_s=600,
    )
    back = PaymentStage.from_json(full.to_json())
    assert back == full
    assert type(back.repeat) is RepeatPolicy


def test_a_stage_that_was_written_wrong_does_not_come_back() -> None:
    text = stage(price=5).to_json()
    with pytest.raises(ValidationError, match=r"^price must be "):
        PaymentStage.from_json(text.replace('"price":5', '"price":true'))


def test_equal_stages_have_one_digest_whatever_the_order_of_their_payload() -> None:
    one, other = stage(payload={"a": 1, "b": 2}), stage(payload={"b": 2, "a": 1})
    assert one == other
    assert one.to_json() == other.to_json()
    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("title", "Tea"),
        ("description", "A pot"),
        ("price", 6),
        ("label", "Sum"),
        ("photo_url", "https://example.org/"),
        ("payload", {"sku": 1}),
        ("start_parameter", "x"),
        ("repeat", "extend"),
        ("max_payments", 1),
        ("invoice_ttl_s", 1),
    ],
)
def test_any_change_of_content_changes_the_digest(field: str, other: object) -> None:
    assert stage(**{field: other}).digest != stage().digest


def test_a_digest_stays_the_same_from_release_to_release() -> None:
    # Versions of a stage in the ledger are told apart by it: another value would give every stage a new version.
    assert stage().digest == "2a483c6cab1b98f8b80b1b6784a3e8fd"


def test_a_refund_policy_is_part_of_the_stage_and_of_its_digest() -> None:
    with_policy = stage(refund_policy=RefundPolicy(window_days=3, automatic=False))
    assert PaymentStage.from_json(with_policy.to_json()) == with_policy
    assert len({with_policy.digest, stage().digest, stage(refund_policy=RefundPolicy()).digest}) == 3


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("window_days", {"window_days": 0}),
        ("window_days", {"window_days": 3651}),
        ("window_days", {"window_days": True}),
        ("automatic", {"automatic": 1}),
    ],
)
def test_a_refund_policy_breaks_no_bound(field: str, values: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as broken:
        RefundPolicy(**values)  # type: ignore[arg-type]  # wrong values are what is tested
    assert broken.value.field == field


def test_a_stage_takes_no_other_kind_of_refund_policy() -> None:
    with pytest.raises(ValidationError, match="a RefundPolicy"):
        stage(refund_policy="automatic")
