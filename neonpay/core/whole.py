"""Whole numbers that come from a program, which may be anything."""

from __future__ import annotations


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether a value is a whole number within these bounds; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
