"""Parameters, read as leniently as the Bot API server reads them."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.simulator.wire.params import Params, strict_json
from neonpay.simulator.wire.refusal import Refusal

on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5), ("-5", -5), ("abc", 0), ("12abc", 12), ("", 9), ("1.9", 1), ("+3", 0), (" 4", 0)]
)
def test_integers_are_read_leniently(text, number):
    assert Params({"n": text}).integer("n", 9) == number


@on_any_machine
@given(st.text(max_size=60))
def test_integers_are_always_in_range(text):
    assert 1 <= Params({"n": text}).integer("n", 100, minimum=1, maximum=100) <= 100


def test_a_missing_and_an_empty_string_are_the_same():
    for params in (Params(), Params({"title": ""})):
        with pytest.raises(Refusal, match='Bad Request: parameter "title" is required'):
            params.required("title")


@on_any_machine
@given(st.recursive(st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_json_is_read_back(value):
    assert Params({"x": json.dumps([value])}).json("x", "things") == [value]


@on_any_machine
@given(st.text(alphabet="{}[]:,x", min_size=1, max_size=10).filter(lambda text: "x" in text))
def test_what_is_not_json_is_refused(text):
    with pytest.raises(Refusal, match="Bad Request: can't parse things JSON object"):
        Params({"x": text}).json("x", "things")


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[" * 100_000, "{", ""])
def test_what_is_not_json(text):
    with pytest.raises(ValueError, match=r"is not JSON|Expecting|nested"):
        strict_json(text)


def test_lone_surrogates_in_json_are_refused():
    with pytest.raises(Refusal, match="UTF-8"):
        Params({"x": '["\\ud800"]'}).json("x", "things")
