"""The one way in which JSON is written to the ledger."""

from __future__ import annotations

import pytest

from neonpay.core import jsontext


def test_equal_values_are_equal_text() -> None:
    assert jsontext.dump({"b": 1, "a": [1, None]}) == jsontext.dump({"a": [1, None], "b": 1}) == '{"a":[1,null],"b":1}'


def test_text_is_written_as_it_is() -> None:
    assert jsontext.dump("чай 🌟") == '"чай 🌟"'


def test_a_nul_is_written_so_that_every_database_can_hold_it() -> None:
    assert "\x00" not in jsontext.dump("\x00")


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "", [], {}, {"a": [{"b": "c"}]}, 2**100])
def test_a_value_comes_back_as_it_was(value: jsontext.JsonValue) -> None:
    assert jsontext.load(jsontext.dump(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_what_json_has_no_word_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        jsontext.dump(value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        jsontext.dump({"a": object()})  # type: ignore[dict-item]  # wrong values are what is tested
