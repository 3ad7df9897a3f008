"""A/B tests: who is shown what follows from their id, and the result says how uncertain it is."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError

_SHARES: Final = 2**64
_Z95: Final = 1.959963984540054
"""The point of the normal distribution that 2.5 of a hundred are above."""


def variant_of(experiment: str, user_id: int, variants: Sequence[str]) -> str:
    """What somebody is shown: the same each time, on every machine, and independent of other experiments.

    Args:
        experiment: its name; another name deals people anew.
        variants: their names, the one that is there today first; each gets as many people as another.

    Raises:
        ValidationError: an argument is not what it has to be.
    """
    _check(experiment, variants)
    if not is_whole(user_id, -(2**63), 2**63 - 1):
        raise ValidationError("user_id", user_id, "Telegram's whole-number id")
    return _dealt(experiment, user_id, variants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What became of the people who were shown one variant.

    Attributes:
        people, bought: how many there are, and how many of them have bought.
        rate: of a hundred people, how many have bought; None without any.
        low, high: between which that rate is with 95 % confidence (Wilson's score interval).
    """

    name: str
    people: int
    bought: int
    rate: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """By how much a variant does better than the first one, in points of a hundred.

    Attributes:
        points: None when one of the two has no people.
        low, high: between which the difference is with 95 % confidence (Newcombe's interval of two score intervals).
    """

    name: str
    points: float | None
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval does not have zero in it: chance alone would show so much in five tests of a hundred."""
        return self.points is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResult:
    """The result of an A/B test.

    Attributes:
        variants: in the order in which they were named.
        differences: of each but the first from the first one.
        is_dealt_evenly: False when the variants have so unequal numbers of people that chance does it less than once in a
            thousand tests: then something other than ``variant_of`` has dealt them, or some were not counted.
    """

    experiment: str
    variants: tuple[Variant, ...]
    differences: tuple[Difference, ...]
    is_dealt_evenly: bool


def result_of(experiment: str, variants: Sequence[str], people: Iterable[tuple[int, bool]]) -> ExperimentResult:
    """The result over people, each once: their ids, and whether they have bought.

    Raises:
        ValidationError: an argument is not what it has to be.
    """
    _check(experiment, variants)
    counts = {name: [0, 0] for name in variants}
    for user_id, has_bought in people:
        count = counts[_dealt(experiment, user_id, variants)]
        count[0] += 1
        count[1] += has_bought
    found = tuple(_variant(name, *counts[name]) for name in variants)
    return ExperimentResult(
        experiment=experiment,
        variants=found,
        differences=tuple(_difference(found[0], other) for other in found[1:]),
        is_dealt_evenly=_is_even([one.people for one in found]),
    )


def _dealt(experiment: str, user_id: int, variants: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{experiment}\0{user_id}".encode("utf-8", "surrogatepass")).digest()
    return variants[int.from_bytes(digest[:8], "big") * len(variants) // _SHARES]


def _check(experiment: object, variants: object) -> None:
    if not isinstance(experiment, str) or not experiment:
        raise ValidationError("experiment", experiment, "a name such as price-of-vip")
    if not isinstance(variants, list | tuple) or not _are_different_names(variants):
        raise ValidationError("variants", variants, 'two different names or more, such as ("old", "new")')


def _are_different_names(variants: Sequence[object]) -> bool:
    return all(isinstance(name, str) for name in variants) and 2 <= len(set(variants)) == len(variants)  # noqa: PLR2004


def _variant(name: str, people: int, bought: int) -> Variant:
    low, high = score_interval(bought, people)
    rate = 100 * bought / people if people else None
    return Variant(name=name, people=people, bought=bought, rate=rate, low=100 * low, high=100 * high)


def score_interval(bought: int, people: int) -> tuple[float, float]:
    """Wilson's interval of a share with 95 % confidence; all of 0 to 1 without people.

    E. B. Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    if not people:
        return 0.0, 1.0
    share, square = bought / people, _Z95**2
    middle = (share + square / (2 * people)) / (1 + square / people)
    half = _Z95 * math.sqrt(share * (1 - share) / people + square / (4 * people**2)) / (1 + square / people)
    # Of nobody and of everybody the interval ends where the share does, and not beside it by rounding.
    return (0.0 if not bought else middle - half), (1.0 if bought == people else middle + half)


def _difference(first: Variant, other: Variant) -> Difference:
    """R. G. Newcombe (1998), Statistics in Medicine 17, 873-890, method 10."""
    if first.rate is None or other.rate is None:
        return Difference(name=other.name, points=None, low=-100.0, high=100.0)
    points = other.rate - first.rate
    return Difference(
        name=other.name,
        points=points,
        low=points - math.hypot(other.rate - other.low, first.high - first.rate),
        high=points + math.hypot(other.high - other.rate, first.rate - first.low),
    )


_ONCE_IN_A_THOUSAND: Final = 3.090232306167813
"""The point of the normal distribution that one of a thousand is above."""


def _is_even(people: Sequence[int]) -> bool:
    """Whether the numbers are as equal as chance makes them, by chi-square with Wilson and Hilferty's approximation."""
    each = sum(people) / len(people)
    if not each:
        return True
    square = sum((one - each) ** 2 / each for one in people)
    freedom = len(people) - 1
    spread = 2 / (9 * freedom)
    unlikely = (math.cbrt(square / freedom) - (1 - spread)) / math.sqrt(spread)
    return unlikely < _ONCE_IN_A_THOUSAND
