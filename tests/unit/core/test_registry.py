"""What the registry of stages keeps, and in which order."""

from __future__ import annotations

import pytest

from neonpay.core.stages import STAGE_ID_MAX_BYTES, PaymentStage, StageRegistry
from neonpay.errors import StageError, StageExistsError, StageLimitError, StageNotFoundError, ValidationError

COFFEE = PaymentStage(title="Coffee", description="One cup", price=5)
TEA = PaymentStage(title="Tea", description="One pot", price=7)


def test_a_created_stage_is_found_by_its_id() -> None:
    registry = StageRegistry()
    assert registry.create("coffee", COFFEE) is COFFEE
    assert registry.get("coffee") is COFFEE
    assert registry.find("coffee") is COFFEE
    assert "coffee" in registry
    assert len(registry) == 1


def test_stages_are_listed_in_the_order_they_were_created_in() -> None:
    registry = StageRegistry()
    registry.create("tea", TEA)
    registry.create("coffee", COFFEE)
    assert list(registry.list().items()) == [("tea", TEA), ("coffee", COFFEE)]


def test_a_list_of_stages_is_a_copy_that_nobody_can_write_to() -> None:
    registry = StageRegistry()
    listed = registry.list()
    registry.create("coffee", COFFEE)
    assert not listed
    with pytest.raises(TypeError):
        listed["tea"] = TEA  # type: ignore[index]  # the rule


def test_a_second_stage_with_one_id_is_refused_and_the_first_stays() -> None:
    registry = StageRegistry()
    registry.create("coffee", COFFEE)
    with pytest.raises(StageExistsError, match="replace_payment_stage") as refused:
        registry.create("coffee", TEA)
    assert refused.value.stage_id == "coffee"
    assert isinstance(refused.value, ValueError)
    assert registry.get("coffee") is COFFEE


def test_one_stage_may_be_sold_under_two_ids() -> None:
    registry = StageRegistry()
    registry.create("a", COFFEE)
    registry.create("b", COFFEE)
    assert registry.get("a") is registry.get("b")


def test_a_registry_holds_max_stages_and_not_one_more() -> None:
    registry = StageRegistry(max_stages=2)
    registry.create("a", COFFEE)
    registry.create("b", COFFEE)
    with pytest.raises(StageLimitError, match="raise max_stages") as refused:
        registry.create("c", COFFEE)
    assert (refused.value.stage_id, refused.value.max_stages) == ("c", 2)
    assert isinstance(refused.value, ValueError)
    assert "c" not in registry


def test_a_removed_stage_makes_room() -> None:
    registry = StageRegistry(max_stages=1)
    registry.create("a", COFFEE)
    assert registry.remove("a") is COFFEE
    registry.create("b", TEA)
    assert list(registry.list()) == ["b"]


def test_a_full_registry_still_lets_a_stage_be_replaced() -> None:
    registry = StageRegistry(max_stages=1)
    registry.create("coffee", COFFEE)
    assert registry.replace("coffee", TEA) is TEA
    assert registry.get("coffee") is TEA


@pytest.mark.parametrize("method", ["get", "remove"])
def test_an_unknown_stage_is_an_error_that_names_it(method: str) -> None:
    with pytest.raises(StageNotFoundError) as missing:
        getattr(StageRegistry(), method)("tea")
    error = missing.value
    assert error.stage_id == "tea"
    assert isinstance(error, KeyError)
    assert isinstance(error, StageError)
    # KeyError alone would show the repr of its argument, quotes and all.
    assert str(error) == "no payment stage 'tea'; create it with create_payment_stage()"


def test_an_unknown_stage_cannot_be_replaced() -> None:
    registry = StageRegistry()
    with pytest.raises(StageNotFoundError):
        registry.replace("tea", TEA)
    assert len(registry) == 0


def test_looking_for_an_unknown_stage_finds_none() -> None:
    assert StageRegistry().find("tea") is None


@pytest.mark.parametrize(
    "stage_id",
    ["a", "premium.month-1/2:3", "чай", "🌟", "x" * STAGE_ID_MAX_BYTES, "ш" * (STAGE_ID_MAX_BYTES // 2)],
)
def test_a_stage_id_is_any_printable_text_of_at_most_64_bytes(stage_id: str) -> None:
    registry = StageRegistry()
    registry.create(stage_id, COFFEE)
    assert registry.get(stage_id) is COFFEE


@pytest.mark.parametrize(
    "stage_id",
    [
        "",
        " ",
        "two words",
        "no-break\u00a0space",
        "line\n",
        "nul\x00",
        "half a pair\ud800",
        "x" * (STAGE_ID_MAX_BYTES + 1),
        "ш" * (STAGE_ID_MAX_BYTES // 2) + "x",
        None,
        7,
        b"coffee",
    ],
)
def test_any_other_stage_id_is_refused(stage_id: object) -> None:
    registry = StageRegistry()
    with pytest.raises(ValidationError, match=r"^stage_id must be 1–64 bytes of UTF-8") as refused:
        registry.create(stage_id, COFFEE)  # type: ignore[arg-type]  # wrong values are what is tested
    assert refused.value.value == stage_id
    assert len(registry) == 0


@pytest.mark.parametrize("method", ["create", "replace"])
def test_only_a_payment_stage_is_put_on_sale(method: str) -> None:
    registry = StageRegistry()
    registry.create("replace", COFFEE)
    with pytest.raises(ValidationError, match=r"^stage must be a PaymentStage"):
        getattr(registry, method)(method, {"title": "Coffee"})
    assert registry.list() == {"replace": COFFEE}


@pytest.mark.parametrize("max_stages", [0, -1, True, 1.0, None, 1_000_001])
def test_max_stages_is_a_whole_number_from_1_to_a_million(max_stages: object) -> None:
    with pytest.raises(ValidationError, match=r"^max_stages must be a whole number of stages from 1 to 1000000"):
        StageRegistry(max_stages=max_stages)  # type: ignore[arg-type]  # wrong values are what is tested
