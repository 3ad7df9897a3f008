"""Text from outside, as the ledger keeps it."""

from __future__ import annotations

import pytest

from neonpay.core.text import clean, clean_or_none, error_words


class _MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class _Odd(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self


@pytest.mark.parametrize("text", ["", "plain", "Спасибо", "🙂"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "kept"), [("a\0b", "a�b"), ("\ud83d", "�"), ("x\udc00y", "x�y"), ("\ud83d\ude42", "🙂")]
)
def test_what_a_database_refuses_is_replaced(text: str, kept: str) -> None:
    assert clean(text) == kept
    clean(text).encode()


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clean("ab" * 400, 10) == "ababababa…"


def test_an_error_that_cannot_be_shown_is_named_by_its_type() -> None:
    assert error_words(_MuteError()) == "_MuteError: a _MuteError that cannot be shown"


def test_a_subclass_of_text_becomes_text() -> None:
    assert type(clean(_Odd("x"))) is str
    assert clean(7) == "7"


def test_nothing_stays_nothing() -> None:
    assert clean_or_none(None) is None
    assert clean_or_none("x") == "x"
