"""Numbers of things, as people write them."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 thing``, ``2 things``, ``14,000 things``."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def of_total(shown: int, total: int, noun: str) -> str:
    """The last line of a list: how many there are, and how many of them it has."""
    return counted(total, noun) if shown == total else f"{noun.capitalize()}s: {shown:,} of {total:,}"
