"""What every error of a running program has in common, and a value that breaks a rule."""

from __future__ import annotations


class NeonPayError(Exception):
    """Base of everything that goes wrong while running."""


class ValidationError(NeonPayError, ValueError):
    """A value breaks a rule.

    Attributes:
        field: name of the field.
        value: what was given.
        bound: the rule, in words, with its unit.
    """

    def __init__(self, field: str, value: object, bound: str) -> None:
        self.field = field
        self.value = value
        self.bound = bound
        super().__init__(f"{field} must be {bound}; got {_shown(value)}")


_SHOWN_CHARS = 80


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} that is nested too deep to show"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:60]}… ({len(text)} characters)"
