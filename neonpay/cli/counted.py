"""Numbers of things, as people write them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are of what a list shows.

    Attributes:
        may_be_more: there may be more, since nobody has counted further.
    """

    count: int
    may_be_more: bool = False

    def __add__(self, other: Total) -> Total:
        """Both together, as for several bots."""
        return Total(self.count + other.count, may_be_more=self.may_be_more or other.may_be_more)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 thing``, ``2 things``, ``14,000 things``."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def percent(share: float) -> str:
    """A share of one; what is less than all is never rounded to 100 %, and what is more than nothing never to 0 %."""
    for digits in (1, 2, 3):
        text = f"{share:.{digits}%}"
        if share in {0.0, 1.0} or float(text[:-1]) not in {0.0, 100.0}:
            return text
    return f"{share:.3%}"


def of_total(shown: int, total: Total, noun: str) -> str:
    """The last line of a list: how many there are, and how many of them it has."""
    if total.may_be_more:
        return f"{noun.capitalize()}s: {shown:,} of {total.count:,} or more"
    return counted(shown, noun) if shown == total.count else f"{noun.capitalize()}s: {shown:,} of {total.count:,}"
