"""What every error of a running program has in common, and a value that breaks a rule."""

from __future__ import annotations

from collections.abc import Mapping


class NeonPayError(Exception):
    """Base of everything that goes wrong while running."""


class ValidationError(NeonPayError, ValueError):
    """A value breaks a rule.

    Attributes:
        field: name of the field.
        value: what was given.
        bound: the rule, in words, with its unit.
        is_shown: whether the message ends with the value; False where that would say nothing.
    """

    def __init__(self, field: str, value: object, bound: str, *, is_shown: bool = True) -> None:
        self.field = field
        self.value = value
        self.bound = bound
        self.is_shown = is_shown
        super().__init__(f"{field} must be {bound}" + (f"; got {_shown(value)}" if is_shown else ""))

    def called(self, names: Mapping[str, str], *, within: str = "") -> ValidationError:
        """The same about the field as whoever gave it knows it.

        Args:
            names: the names of fields here, and what they are called there; others have one name.
            within: what it is a field of, such as ``events[3]``.
        """
        name = names.get(self.field, self.field)
        said = ValidationError(f"{within}.{name}" if within else name, self.value, self.bound, is_shown=self.is_shown)
        return said.with_traceback(self.__traceback__)


_SHOWN_CHARS = 80


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} that is nested too deep to show"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:60]}… ({len(text)} characters)"
