"""Numbers of things, as people write them."""

from __future__ import annotations


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


def of_total(shown: int, total: int, noun: str) -> str:
    """The last line of a list: how many there are, and how many of them it has."""
    return counted(total, noun) if shown == total else f"{noun.capitalize()}s: {shown:,} of {total:,}"
