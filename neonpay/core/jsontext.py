"""JSON as types, and the one way in which it is written to the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]


def dump(value: JsonValue) -> str:
    """Text of a JSON value: compact, sorted keys, so that equal values are equal text.

    Raises:
        TypeError: something in the value is not JSON.
        ValueError: the value holds NaN or an infinity, or contains itself.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def dump_whatever(value: JsonValue) -> str:
    """``dump`` for a value from outside, whose text may hold half of a surrogate pair, which no database takes as it is."""
    text = dump(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return text


def load(text: str) -> JsonValue:
    """The value that ``dump`` wrote."""
    return cast("JsonValue", json.loads(text))


def load_object(text: str) -> dict[str, JsonValue]:
    """The JSON object that ``dump`` wrote."""
    if text == "{}":  # most invoices carry nothing, and parsing costs as much as everything else about their row
        return {}
    return cast("dict[str, JsonValue]", json.loads(text))
