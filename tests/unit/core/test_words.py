"""Words for people: a language is found, a number has its form, and what is missing is said in English."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from neonpay.core.words import NEONPAY, Catalogue, Translated, Words, language_among
from neonpay.support.texts import Text

if TYPE_CHECKING:
    from pathlib import Path

SEATS = Words("{seats} seat left", "{seats} seats left", counted="seats")
SOLD_OUT = Words("Sold out.")


def approved(stars: int, language_code: str | None) -> str:
    return NEONPAY.say(Text.APPROVED.value, language_code, title="VIP", stars=stars)


@pytest.mark.parametrize(
    ("stars", "words"),
    [
        (1, "Вам возвращается 1 звезда."),
        (2, "Вам возвращаются 2 звезды."),
        (5, "Вам возвращаются 5 звёзд."),
        (11, "Вам возвращаются 11 звёзд."),
        (21, "Вам возвращается 21 звезда."),
        (112, "Вам возвращаются 112 звёзд."),
        (10_000, "Вам возвращаются 10000 звёзд."),
    ],
)
def test_a_number_of_stars_has_its_form_in_russian(stars: int, words: str) -> None:
    assert approved(stars, "ru").endswith(words)


@pytest.mark.parametrize(
    ("stars", "words"),
    [(1, "1 Star goes back to you."), (5, "5 Stars go back to you."), (21, "21 Stars go back to you.")],
)
def test_a_number_of_stars_has_its_form_in_english(stars: int, words: str) -> None:
    assert approved(stars, "en").endswith(words)


@pytest.mark.parametrize(
    ("language_code", "language"),
    [
        ("pt-BR", "pt_BR"),
        ("pt-br", "pt_BR"),
        ("pt-PT", "pt"),
        ("pt", "pt"),
        ("RU_ru", "ru"),
        ("zh-hans-CN", "zh_Hans"),
        ("zh", None),
        ("rue", None),
        ("x-ru", None),
        ("", None),
        (None, None),
    ],
)
def test_somebody_reads_their_language_or_the_one_that_theirs_is_a_kind_of(
    language_code: str | None, language: str | None
) -> None:
    assert language_among({"pt", "pt_BR", "ru", "zh_Hans"}, language_code) == language


def compile_into(folder: Path, language: str, words: dict[str | tuple[str, str], str | tuple[str, ...]]) -> None:
    catalogue = Catalog(locale=language)
    for msgid, text in words.items():
        catalogue.add(msgid, text)
    target = folder / language / "LC_MESSAGES" / "shelf.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)


def test_a_catalogue_of_ones_own_has_its_own_languages(tmp_path: Path) -> None:
    pair = ("{seats} seat left", "{seats} seats left")
    compile_into(tmp_path, "de", {pair: ("noch {seats} Platz", "noch {seats} Plätze")})
    shelf = Catalogue("shelf", tmp_path)
    assert shelf.languages == {"de"}
    assert [shelf.say(SEATS, "de-AT", seats=seats) for seats in (1, 2)] == ["noch 1 Platz", "noch 2 Plätze"]
    assert [shelf.say(SEATS, "ru", seats=seats) for seats in (1, 2)] == ["1 seat left", "2 seats left"]


def test_what_a_language_does_not_have_yet_is_said_in_english(tmp_path: Path) -> None:
    compile_into(tmp_path, "de", {})
    assert Catalogue("shelf", tmp_path).say(SOLD_OUT, "de") == "Sold out."
    assert Catalogue("shelf", tmp_path / "nowhere").say(SOLD_OUT, "de") == "Sold out."


def test_values_are_shown_as_they_are() -> None:
    assert NEONPAY.say(Text.REASON.value, "en", words="{title} {0} %s") == "Reason: {title} {0} %s"


def test_words_need_nothing_but_the_standard_library() -> None:
    code = "import sys, neonpay.core.words; print(*sorted(m for m in sys.modules if m.startswith('neonpay')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["neonpay", "neonpay._version", "neonpay.core", "neonpay.core.words"]


def test_words_for_a_reader_who_is_not_known_yet_are_what_each_reader_would_be_told() -> None:
    words = NEONPAY.in_all_languages(Text.APPROVED.value, title="VIP", stars=2)
    assert set(words.others) == NEONPAY.languages
    assert [words.said(code) for code in ("ru-RU", "de", None)] == [approved(2, code) for code in ("ru-RU", "de", None)]


def test_words_for_every_reader_miss_a_value_where_they_are_made() -> None:
    with pytest.raises(KeyError, match="title"):
        NEONPAY.in_all_languages(Text.APPROVED.value, stars=2)


def test_a_text_in_several_languages_can_be_changed_in_all_of_them() -> None:
    shouted = Translated("Sold out.", {"ru": "Распродано."}).mapped(str.upper)
    assert (shouted.said("en"), shouted.said("ru")) == ("SOLD OUT.", "РАСПРОДАНО.")
