"""A frozen dataclass with a quick constructor is the dataclass that it was."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from neonpay.core.quickly_made import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    weight_g: int
    to: str = "the moon"
    notes: list[str] = field(default_factory=list)


def test_fields_and_defaults_are_filled() -> None:
    assert (Parcel(weight_g=3).to, Parcel(weight_g=3, to="Mars").to) == ("the moon", "Mars")


def test_each_has_a_default_of_its_own() -> None:
    first, second = Parcel(weight_g=1), Parcel(weight_g=1)
    assert first == second
    assert first.notes is not second.notes


def test_it_stays_frozen() -> None:
    parcel = Parcel(weight_g=3)
    with pytest.raises(FrozenInstanceError):
        parcel.weight_g = 4  # type: ignore[misc]  # what is tried
    assert type(parcel) is Parcel


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda parcel: pickle.loads(pickle.dumps(parcel)), replace],  # noqa: S301  # our own
)
def test_a_copy_is_equal(copied) -> None:
    parcel = Parcel(weight_g=3, notes=["fragile"])
    assert copied(parcel) == parcel
    assert repr(copied(parcel)) == repr(parcel)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match="weight_g"):
        Parcel()  # type: ignore[call-arg]  # what is tried


def test_a_subclass_is_itself_and_frozen() -> None:
    class Gift(Parcel):
        """With a dictionary, which the parcel has not."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Letter(Parcel):
        stamp: str = "a queen"

    gift, letter = Gift(weight_g=3), Letter(weight_g=1, stamp="a king")
    assert (type(gift), gift.weight_g, type(letter), letter.weight_g, letter.stamp) == (Gift, 3, Letter, 1, "a king")
    with pytest.raises(FrozenInstanceError):
        gift.weight_g = 4  # type: ignore[misc]  # what is tried


def test_a_class_that_does_more_is_refused() -> None:
    with pytest.raises(AssertionError, match="does more than to fill its fields"):

        @quickly_made
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Heavy:
            weight_g: int

            def __post_init__(self) -> None:
                """Look at it."""
