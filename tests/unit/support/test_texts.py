"""What /paysupport says, in two languages."""

from __future__ import annotations

import string

import pytest

from neonpay.support.texts import Text, own_words, say

VALUES = {
    "title": "VIP",
    "stars": 50,
    "date": "2026-11-20",
    "contact": "@help",
    "user": 7,
    "charge": "stx",
    "words": "broken",
    "by": "admin 7",
    "why": "CHARGE_NOT_REFUNDABLE",
}


@pytest.mark.parametrize("text", list(Text))
def test_every_text_says_the_same_facts_in_both_languages(text: Text) -> None:
    english, russian = say(text, "en", **VALUES), say(text, "ru-RU", **VALUES)
    assert english != russian
    assert [str(v) in english for v in VALUES.values()] == [str(v) in russian for v in VALUES.values()]


@pytest.mark.parametrize("text", list(Text))
def test_no_text_is_longer_than_telegram_takes(text: Text) -> None:
    values = {**VALUES, "title": "t" * 32, "words": "w" * 1000, "contact": "", "charge": "c" * 300}
    for language in ("en", "ru"):
        assert len(say(text, language, **values)) < 4096
        assert not [field for _, field, _, _ in string.Formatter().parse(say(text, language, **values)) if field]


def test_own_words_may_be_one_text_or_one_for_each_language() -> None:
    by_language = {"en": "Be kind.", "ru": "Будьте добры."}  # Russian letters look like Latin ones
    assert own_words("Be kind.", "de") == "Be kind."
    assert own_words(by_language, "ru-RU") == by_language["ru"]
    assert own_words(by_language, "de") == own_words(by_language, None) == "Be kind."
