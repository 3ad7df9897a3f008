"""What the pages say, in each of their languages."""

from __future__ import annotations

import importlib
import re
from datetime import UTC, date, datetime

import pytest

from neonpay.web.speech import LANGUAGES, Speech, pages_with_words

FORMS = {"en": 2, "ru": 3}


@pytest.mark.parametrize("page", pages_with_words())
def test_every_sentence_is_there_in_every_language_with_the_same_values(page: str) -> None:
    words = importlib.import_module(f"neonpay.web.words.{page}").WORDS
    assert {language: sorted(words[language]) for language in words} == dict.fromkeys(LANGUAGES, sorted(words["en"]))
    for key in words["en"]:
        values = set()
        for language in LANGUAGES:
            sentence = words[language][key]
            forms = [sentence] if isinstance(sentence, str) else list(sentence)
            assert len(forms) in {1, FORMS[language]}, (language, key)
            values |= {frozenset(re.findall(r"{(\w+)}", form)) for form in forms}
        assert len(values) == 1, key


@pytest.mark.parametrize(
    ("number", "english", "russian"),
    [
        (1, "Star", "звезда"),
        (2, "Stars", "звезды"),
        (5, "Stars", "звёзд"),
        (11, "Stars", "звёзд"),
        (21, "Stars", "звезда"),
    ],
)
def test_a_sentence_takes_the_form_of_its_number(number: int, english: str, russian: str) -> None:
    assert Speech("en", UTC).count("frame.stars_word", number) == english
    assert Speech("ru", UTC).count("frame.stars_word", number) == russian


def test_figures_are_written_as_the_language_writes_them() -> None:
    english, russian = Speech("en", UTC), Speech("ru", UTC)
    assert (english.number(48250), russian.number(48250)) == ("48,250", "48\u00a0250")
    assert (english.number(-870), russian.number(0)) == ("\u2212870", "0")
    assert (english.percent(0.924), russian.percent(0.924)) == ("92.4%", "92,4\u00a0%")
    assert (english.date(date(2026, 3, 15), year=True), russian.date(date(2026, 3, 15))) == (
        "15\u00a0Mar\u00a02026",
        "15\u00a0\u043c\u0430\u0440.",
    )
    assert english.time(datetime(2026, 3, 15, 14, 31, 1, tzinfo=UTC), seconds=True) == "14:31:01"


def test_what_is_not_all_is_never_rounded_to_all() -> None:
    assert Speech("en", UTC).percent(0.9998) == "99.980%"
    assert Speech("en", UTC).percent(1.0) == "100.0%"
