"""A place in a list that is read page by page: after which row the next page begins, never how many come before it.

Rows of several bots, and of several tables, are streams of one list. In each the rows go by time and then by key, and at one
time the rows of an earlier stream come first; so the place is exact though no statement reads all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import sqlalchemy as sa

PAGE_ROWS: Final = 50
_MOST_DIGITS: Final = 18
_MOST_CHARS: Final = 1_100

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Place:
    """After which row a page begins.

    Attributes:
        at: what rows are ordered by, such as microseconds since the epoch.
        stream: which stream of the list the row is of, counted from 0.
        key: of the row in its stream.
    """

    at: int
    stream: int
    key: str

    def __str__(self) -> str:
        return f"{self.at}.{self.stream}.{self.key}"


def place_of(text: str) -> Place | None:
    """The place that an address names; None for the beginning, and for what is none."""
    at, _, rest = text.partition(".")
    stream, _, key = rest.partition(".")
    if not (_is_number(at.removeprefix("-")) and _is_number(stream)) or not _is_key(key):
        return None
    return Place(int(at), int(stream), key)


def after(
    place: Place | None, stream: int, at: sa.ColumnElement[object], key: sa.ColumnElement[str], *, descending: bool
) -> list[sa.ColumnElement[bool]]:
    """The condition on rows of a stream that come after a place."""
    if place is None:
        return []
    bound = sa.literal(place.at, sa.BigInteger)
    number = sa.type_coerce(at, sa.BigInteger)
    not_before = number <= bound if descending else number >= bound
    later = number < bound if descending else number > bound
    if stream < place.stream:
        return [later]
    if stream > place.stream:
        return [not_before]
    beyond = key < place.key if descending else key > place.key
    return [not_before, sa.or_(later, beyond)]


@dataclass(frozen=True, slots=True)
class Slice(Generic[R]):
    """One page of a list.

    Attributes:
        next: where the next page begins; None at the end.
    """

    rows: Sequence[R]
    next: Place | None


def merged(streams: Sequence[Sequence[R]], place: Callable[[R], Place], *, descending: bool) -> Slice[R]:
    """The first rows of several streams, each of which gave one more than a page holds if it has so many."""
    rows = [row for stream in streams for row in stream]
    # Sorting is stable, so rows of a stream stay as its key orders them, and earlier streams come first at one time.
    rows.sort(key=lambda row: place(row).at, reverse=descending)
    page = rows[:PAGE_ROWS]
    return Slice(page, place(page[-1]) if len(rows) > PAGE_ROWS else None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _is_key(key: str) -> bool:
    if not key or len(key) > _MOST_CHARS or "\0" in key:
        return False
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
