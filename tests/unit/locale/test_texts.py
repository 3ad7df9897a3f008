"""In whose words, and in which language, a text is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from neonpay.core.wording import OURS, Catalogue, language_tags
from neonpay.errors import ConfigurationError
from neonpay.locale.texts import Texts, own_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHELVES = "shelves"


def compile_catalogue(folder: Path, language: str, said: Mapping[str | tuple[str, str], object], domain: str) -> Path:
    """A compiled catalogue as gettext's tools make it."""
    path = folder / language / "LC_MESSAGES" / f"{domain}.mo"
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(locale=language)
    for english, words in said.items():
        catalog.add(english, words)
    with path.open("wb") as file:
        write_mo(file, catalog)
    return path


@pytest.fixture
def shelves(tmp_path: Path) -> Catalogue:
    """The catalogue of somebody else's package, in German and in the Portuguese of Brazil and of all others."""
    folder = tmp_path / "package"
    plural = ("{n} is left", "{n} are left")
    compile_catalogue(folder, "de", {"Sold out": "Ausverkauft", plural: ("{n} ist da", "{n} sind da")}, SHELVES)
    compile_catalogue(folder, "pt", {"Sold out": "Esgotado", "Soon": "Em breve"}, SHELVES)
    compile_catalogue(folder, "pt_BR", {"Sold out": "Acabou"}, SHELVES)
    return Catalogue(SHELVES, folder)


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("ru", ["ru"]),
        ("RU", ["ru"]),
        ("ru-RU", ["ru_RU", "ru"]),
        ("Ru-by", ["ru_BY", "ru"]),
        ("pt_br", ["pt_BR", "pt"]),
        ("zh-hant-tw", ["zh_Hant_TW", "zh_Hant", "zh"]),
        (None, []),
        ("", []),
        ("x-ru", []),
        ("../ru", []),
        ("ru/../../etc", []),
        ("ru\n", []),
    ],
)
def test_a_language_is_served_by_the_catalogues_that_its_tag_names_best_first(
    code: str | None, tags: list[str]
) -> None:
    assert language_tags(code) == tags


@pytest.mark.parametrize("code", ["ru", "RU", "ru-RU", "Ru-by"])
def test_whoever_has_a_russian_client_reads_russian(code: str) -> None:
    assert Texts().say(OURS.translatable("Approve"), code) == "Одобрить"


@pytest.mark.parametrize("code", [None, "", "en", "de", "uk", "rue", "x-ru", "../ru"])
def test_everybody_else_reads_english(code: str | None) -> None:
    assert Texts().say(OURS.translatable("Approve"), code) == "Approve"


def test_a_number_chooses_the_form(shelves: Catalogue) -> None:
    left = shelves.translatable_plural("{n} is left", "{n} are left", by="n")
    assert [Texts().say(left, "de", n=n) for n in (1, 2)] == ["1 ist da", "2 sind da"]
    assert [Texts().say(left, "fr", n=n) for n in (1, 0)] == ["1 is left", "0 are left"]


def test_values_may_be_given_before_the_language_is_known(shelves: Catalogue) -> None:
    left = shelves.translatable_plural("{n} is left", "{n} are left", by="n").with_values(n=3)
    assert Texts().say(left, "de") == "3 sind da"


def test_what_a_region_does_not_translate_is_said_in_its_language_and_then_in_english(shelves: Catalogue) -> None:
    sold_out, soon, never = (shelves.translatable(text) for text in ("Sold out", "Soon", "Never"))
    assert [Texts().say(text, "pt-br") for text in (sold_out, soon, never)] == ["Acabou", "Em breve", "Never"]
    assert Texts().say(sold_out, "pt-pt") == "Esgotado"


def test_the_sellers_words_go_before_those_of_the_catalogue(shelves: Catalogue, tmp_path: Path) -> None:
    own = tmp_path / "own"
    compile_catalogue(own, "pt", {"Soon": "Amanhã"}, SHELVES)
    compile_catalogue(own, "en", {"Approve": "Yes, give it back"}, "neonpay")
    compile_catalogue(own, "uk", {"Approve": "Схвалити"}, "neonpay")
    texts, approve = Texts(own), OURS.translatable("Approve")
    assert texts.say(shelves.translatable("Soon"), "pt-br") == "Amanhã"
    assert texts.say(shelves.translatable("Sold out"), "pt-br") == "Acabou"
    assert [texts.say(approve, code) for code in ("uk", "en", "fr", "ru")] == [
        "Схвалити",
        "Yes, give it back",
        "Yes, give it back",
        "Одобрить",
    ]


def test_a_translation_that_cannot_take_the_values_is_said_in_english(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    compile_catalogue(tmp_path, "de", {"Questions? {contact}": "Fragen? {kontakt}"}, "neonpay")
    text = OURS.translatable("Questions? {contact}")
    assert Texts(tmp_path).say(text, "de", contact="@help") == "Questions? @help"
    assert "Fragen? {kontakt}" in caplog.text


def test_a_text_whose_value_is_missing_or_cannot_be_shown_is_said_all_the_same() -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise ZeroDivisionError

    text = OURS.translatable("Questions? {contact}")
    assert Texts().say(text, "en") == "Questions? {contact}"
    assert Texts().say(text, "ru", contact=Unspeakable()) == "Questions? {contact}"
    assert Texts().say(OURS.translatable(""), "ru") == ""


def test_a_catalogue_of_a_package_that_cannot_be_read_is_left_out(
    shelves: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    path = shelves.folder / "de" / "LC_MESSAGES" / "shelves.mo"
    path.write_bytes(b"no catalogue")
    assert Texts().say(shelves.translatable("Sold out"), "de") == "Sold out"
    assert str(path) in caplog.text


def test_a_folder_of_the_sellers_without_a_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no catalogue of texts, such as .*neonpay\.mo"):
        Texts(tmp_path)
    with pytest.raises(ConfigurationError, match="has no catalogue"):
        Texts(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"no catalogue at all, but text", b"\xde\x12\x04\x95\0\0"])
def test_a_catalogue_of_the_sellers_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    compile_catalogue(tmp_path, "de", {}, "neonpay").write_bytes(content)
    with pytest.raises(ConfigurationError, match="pybabel compile"):
        Texts(tmp_path)


def test_own_words_may_be_one_text_or_one_for_each_language() -> None:
    by_language = {"en": "Be kind.", "ru": "Будьте добры.", "pt-br": "Seja gentil."}
    assert own_words("Be kind.", "de") == "Be kind."
    assert own_words(by_language, "ru-RU") == by_language["ru"]
    assert own_words(by_language, "PT_BR") == by_language["pt-br"]
    assert own_words(by_language, "de") == own_words(by_language, None) == "Be kind."
