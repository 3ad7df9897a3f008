"""The fields of a JSON object inside a call, read as the server reads them and refused in its words (TDL: JsonObject).

Unlike the parameters of a call, they have types: texts may be written as numbers and numbers as texts, and nothing else may
stand for something else. null is a value of its own, which no field is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from neonpay.simulator.wire.refusal import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_INT32_BITS: Final = 32
_INT64_BITS: Final = 64


class Fields:
    """An object.

    Args:
        value: what stands in its place.
        otherwise: the server's words when it is no object.

    Raises:
        Unreadable: it is none.
    """

    def __init__(self, value: object, otherwise: str = "expected an Object") -> None:
        if not isinstance(value, dict):
            raise Unreadable(otherwise)
        self._fields: Mapping[str, object] = value

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @property
    def as_json(self) -> dict[str, object]:
        """The object as it came."""
        return dict(self._fields)

    def any(self, name: str) -> object:
        """Whatever the field holds; None when it is not there."""
        return self._fields.get(name)

    def text(self, name: str, default: str = "") -> str:
        """A text, or a number as a text.

        Raises:
            Unreadable: it is something else.
        """
        return self.required_text(name) if name in self._fields else default

    def required_text(self, name: str) -> str:
        """The same for a field that has to be there; it may be empty.

        Raises:
            Unreadable: it is not there, or is something else.
        """
        value = self._required(name)
        if isinstance(value, str):
            return value
        if _is_number(value):
            return str(value)
        raise _wrong_type(name, "String")

    def flag(self, name: str) -> bool:
        """A yes or a no; no when there is none.

        Raises:
            Unreadable: it is something else, also a word or a number that means one of them.
        """
        value = self._fields.get(name, False)
        if not isinstance(value, bool):
            raise _wrong_type(name, "Boolean")
        return value

    def whole(self, name: str, default: int = 0, *, bits: int = _INT32_BITS) -> int:
        """A whole number of up to this many bits, or a text of nothing but its digits.

        Raises:
            Unreadable: it is something else.
        """
        return self.required_whole(name, bits=bits) if name in self._fields else default

    def required_whole(self, name: str, *, bits: int = _INT32_BITS) -> int:
        """The same for a field that has to be there.

        Raises:
            Unreadable: it is not there, or is something else.
        """
        value = self._required(name)
        if not (isinstance(value, str) or _is_number(value)):
            raise Unreadable(f'Field "{name}" must be a Number')
        number = whole_number(value, bits=bits)
        if number is None:
            raise Unreadable(f'Field "{name}" must be a valid Number')
        return number

    def number(self, name: str, default: float = 0.0) -> float:
        """A number with or without a fraction (TDL: get_optional_double_field).

        Raises:
            Unreadable: it is something else, also a text.
        """
        value = self._fields.get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _wrong_type(name, "Number")
        return float(value)

    def inner(self, name: str) -> Fields | None:
        """An object; None when there is none.

        Raises:
            Unreadable: it is something else, also null.
        """
        if name not in self._fields:
            return None
        return self.required_inner(name)

    def required_inner(self, name: str) -> Fields:
        """An object that has to be there.

        Raises:
            Unreadable: it is not there, or is something else.
        """
        return Fields(self._required(name), _wrong_type(name, "Object").reason)

    def array(self, name: str) -> list[object] | None:
        """An array; None when there is none.

        Raises:
            Unreadable: it is something else, also null.
        """
        return self.required_array(name) if name in self._fields else None

    def required_array(self, name: str) -> list[object]:
        """An array that has to be there.

        Raises:
            Unreadable: it is not there, or is something else.
        """
        value = self._required(name)
        if not isinstance(value, list):
            raise _wrong_type(name, "Array")
        return value

    def _required(self, name: str) -> object:
        if name not in self._fields:
            raise Unreadable(f'Can\'t find field "{name}"')
        return self._fields[name]


def whole_number(value: object, *, bits: int = _INT64_BITS) -> int | None:
    """The number that a JSON number or a text is; None when it is none or has more bits (TDL: to_integer_safe)."""
    text = value if isinstance(value, str) else str(value)
    if _WHOLE.fullmatch(text) is None:
        return None
    number = int(text)
    return number if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_type(name: str, kind: str) -> Unreadable:
    return Unreadable(f'Field "{name}" must be of type {kind}')
