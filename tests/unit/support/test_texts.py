"""What /paysupport says, in every language."""

from __future__ import annotations

import pytest

from neonpay.core.wording import Text
from neonpay.locale.texts import Texts
from neonpay.support import texts

ALL = {name: value for name, value in vars(texts).items() if isinstance(value, Text)}
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


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_no_text_is_longer_than_telegram_takes(text: Text) -> None:
    values = {**VALUES, "title": "t" * 32, "words": "w" * 1000, "contact": "", "charge": "c" * 300}
    for language in ("en", "ru"):
        assert 0 < len(Texts().say(text, language, **values)) < 4096


@pytest.mark.parametrize(
    ("language", "stars", "words"),
    [
        ("en", 1, "Your request about VIP is granted: 1 Star goes back to you."),
        ("en", 50, "Your request about VIP is granted: 50 Stars go back to you."),
        ("ru", 1, "Ваш запрос одобрен: VIP. Вам возвращается 1 звезда."),
        ("ru", 2, "Ваш запрос одобрен: VIP. Вам возвращаются 2 звезды."),
        ("ru", 11, "Ваш запрос одобрен: VIP. Вам возвращается 11 звёзд."),
        ("ru", 21, "Ваш запрос одобрен: VIP. Вам возвращается 21 звезда."),
        ("ru", 50, "Ваш запрос одобрен: VIP. Вам возвращается 50 звёзд."),
    ],
)
def test_stars_are_counted_as_the_language_counts(language: str, stars: int, words: str) -> None:
    assert Texts().say(texts.APPROVED, language, title="VIP", stars=stars) == words
