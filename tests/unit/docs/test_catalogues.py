"""The catalogues agree with the source and with themselves, in every language."""

from __future__ import annotations

import gettext
import re
import string
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from babel.messages.catalog import Catalog, Message

from tools.words import ROOT, agreeing, catalogues, read, words_of_the_source

if TYPE_CHECKING:
    from pathlib import Path

every_language = pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parents[1].name)


def messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, list | tuple) else (str(text or ""),)


def placeholders(text: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_russian_is_among_the_languages() -> None:
    assert "ru" in [path.parents[1].name for path in catalogues()]


@every_language
def test_a_catalogue_has_the_words_of_the_source_and_no_others(path: Path) -> None:
    words = words_of_the_source()
    assert {forms(message.id) for message in messages(read(path))} == {forms(msgid) for msgid in words}
    assert len(words) > 30


@every_language
def test_every_text_is_translated_and_none_is_a_guess(path: Path) -> None:
    known = read(path)
    wanting = [
        message.id
        for message in messages(known)
        if message.fuzzy
        or not all(text.strip() for text in forms(message.string))
        or len(forms(message.string)) != (known.num_plurals if message.pluralizable else 1)
    ]
    assert wanting == []
    assert list(known.obsolete) == []


@every_language
def test_a_translation_names_the_same_values(path: Path) -> None:
    for message in messages(read(path)):
        named = {frozenset(placeholders(text)) for text in (*forms(message.id), *forms(message.string))}
        assert len(named) == 1, message.id


@every_language
def test_the_compiled_catalogue_says_what_its_source_says(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    known = read(path)
    for message in messages(known):
        if not message.pluralizable:
            assert compiled.gettext(str(message.id)) == message.string
            continue
        one, many = forms(message.id)
        by_number = {n: compiled.ngettext(one, many, n) for n in range(200)}
        assert set(by_number.values()) == set(forms(message.string))
    held = {key[0] if isinstance(key, tuple) else key for key in vars(compiled)["_catalog"]} - {""}
    assert held == {forms(message.id)[0] for message in messages(known)}


@every_language
def test_making_a_catalogue_again_changes_no_word_of_it(path: Path) -> None:
    known = read(path)
    again = agreeing(known, words_of_the_source())
    assert [(m.id, m.string) for m in messages(again)] == [(m.id, m.string) for m in messages(known)]


def test_what_is_said_in_telegram_is_in_no_source_but_the_catalogue() -> None:
    """The pages, what stands below their charts, and the demo have words of their own."""
    apart = re.compile(r"neonpay/(simulator|web|cli/demo|testing|analytics/metrics|collection/pages)\b")
    sources = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "neonpay").rglob("*.py")}
    russian = [
        name
        for name, path in sources.items()
        if not apart.match(name) and re.search("[\u0400-\u04ff]", path.read_text(encoding="utf-8"))
    ]
    assert russian == []
