"""The parameters of one call, read the way the Bot API server reads them: leniently, and clamped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.refusal import Unreadable, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEADING_INTEGER: Final = re.compile(r"-?[0-9]{1,40}")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = frozenset('"\\/bfnrtu')
_TRUE_WORDS: Final = frozenset({"true", "yes", "1"})
_TRIMMED: Final = " \t\r\n\v\0"
"""What counts as space around a value (TDL: is_space)."""
NESTING_MAX: Final = 64
"""Deepest JSON read: no parameter of the Bot API comes near it, and what is deeper could exhaust the stack later."""
_INT64_MAX: Final = 2**63 - 1
INT32_MAX: Final = 2**31 - 1
"""Largest number that the server reads where it does not read an id: dates, lengths (SRV: get_integer_arg)."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    filename: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters by name, as text, and the uploaded files by field name."""

    values: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the parameter came with anything in it."""
        return bool(self.values.get(name)) or name in self.files

    def text(self, name: str, *, raw: bool = False) -> str:
        """The parameter as text; empty when it did not come.

        With ``raw`` it may be no UTF-8, of which somebody else will say so in words of their own.

        Raises:
            Refusal: it is not UTF-8 (SRV: strings are cleaned before use).
        """
        value = self.values.get(name, "")
        if not raw and not is_utf8(value):
            raise bad_request("strings must be encoded in UTF-8")
        return value

    def required(self, name: str, *, raw: bool = False) -> str:
        """The parameter as text; ``raw`` as in :meth:`text`.

        Raises:
            Refusal: it is missing or empty, which are the same to the server (SRV: get_required_string_arg).
        """
        value = self.text(name, raw=raw)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int = 0, *, minimum: int = -_INT64_MAX, maximum: int = _INT64_MAX) -> int:
        """The parameter as a whole number: ``"abc"`` is 0, and what is out of range is moved into it (SRV: get_integer_arg)."""
        value = self.values.get(name, "")
        return min(max(lenient_integer(value) if value else default, minimum), maximum)

    def boolean(self, name: str) -> bool:
        """True for ``true``, ``yes`` and ``1`` in any case, with space around; False for everything else (SRV: to_bool)."""
        return is_yes(self.values.get(name, ""))

    def json(self, name: str, what: str) -> object:
        """The parameter decoded from JSON; None when it did not come.

        Raises:
            Refusal: it is not JSON; ``what`` names it in Telegram's words.
        """
        value = self.values.get(name, "")
        if not value:
            return None
        try:
            decoded = strict_json(self.text(name))
        except ValueError as error:
            raise bad_request(f"can't parse {what} JSON object") from error
        if "\\u" in value and not is_utf8(json.dumps(decoded, ensure_ascii=False)):
            raise bad_request("strings must be encoded in UTF-8")
        return decoded

    def array(self, name: str, what: str, otherwise: str) -> list[object] | None:
        """The parameter as a JSON array; None when it did not come.

        Raises:
            Refusal: it is not JSON, of which ``what`` is the name, or no array, which ``otherwise`` says; null is none.
        """
        given = self.json(name, what)
        if not self.values.get(name):
            return None
        if not isinstance(given, list):
            raise Unreadable(otherwise)
        return given

    def fields(self, name: str, what: str, otherwise: str) -> Fields | None:
        """The parameter as a JSON object; None when it did not come.

        Raises:
            Refusal: as in :meth:`array`.
        """
        given = self.json(name, what)
        return Fields(given, otherwise) if self.values.get(name) else None


def lenient_integer(text: str) -> int:
    """The number that a text begins with, else 0 (SRV: td::to_integer)."""
    match = _LEADING_INTEGER.match(text)
    return int(match.group()) if match else 0


def is_yes(text: str) -> bool:
    """Whether a flag is set; everything that is not one of the three words is no (SRV: to_bool, which trims)."""
    return text.lower().strip(_TRIMMED) in _TRUE_WORDS


def is_utf8(text: str) -> bool:
    """Whether the text came from valid UTF-8; what was not is kept as lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def strict_json(text: str) -> object:
    """Decode JSON as the server does: no NaN, no Infinity, no nesting deep enough to hurt.

    A text may hold line breaks and other characters that the standard wants escaped, and what is escaped for no reason stands
    for itself (TDL: json_string_decode). Of fields with one name the first counts, as everywhere in a call (TDL: JsonObject).

    Raises:
        ValueError: the text is anything else.
    """
    try:
        value: object = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError:
        meant = _ESCAPED.sub(_without_needless, text)
        if meant == text:
            raise
        return strict_json(meant)
    if text.count("[") + text.count("{") > NESTING_MAX and _is_too_deep(value):
        raise ValueError("nested too deeply")
    return value


def _without_needless(escaped: re.Match[str]) -> str:
    return escaped.group() if escaped.group(1) in _ESCAPES else escaped.group(1)


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(NESTING_MAX):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()


def _first_of_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    first = dict(pairs)
    if len(first) < len(pairs):
        first.update(reversed(pairs))
    return first


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_first_of_each, strict=False)
