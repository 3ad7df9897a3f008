"""Every text that neonpay says is in every language, and says the same there."""

from __future__ import annotations

import gettext
import string
from typing import TYPE_CHECKING

import pytest

from tools.catalogues import LOCALE, extracted, read, translations

if TYPE_CHECKING:
    from pathlib import Path

    from babel.messages.catalog import Catalog, Message

pytestmark = pytest.mark.parametrize("path", translations(), ids=lambda path: path.parts[-3])


def _texts(catalog: Catalog) -> dict[object, Message]:
    return {message.id: message for message in catalog if message.id}


def _forms(said: str | tuple[str, ...] | list[str]) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_a_translation_has_the_texts_of_the_source_and_no_others(path: Path) -> None:
    assert set(_texts(read(path))) == set(_texts(extracted())), "run: make texts"


def test_no_translation_is_missing_or_doubtful(path: Path) -> None:
    catalog = read(path)
    missing = [
        message.id
        for message in _texts(catalog).values()
        if message.fuzzy
        or not all(_forms(message.string))
        or (message.pluralizable and len(_forms(message.string)) != catalog.num_plurals)
    ]
    assert missing == []


def test_a_translation_shows_the_values_of_the_source(path: Path) -> None:
    different = [
        message.id
        for message in _texts(read(path)).values()
        if len({frozenset(_values(form)) for form in (*_forms(message.id), *_forms(message.string))}) != 1
    ]
    assert different == []


def test_what_is_compiled_is_the_translation(path: Path) -> None:
    catalog = read(path)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    plural_form = gettext.c2py(catalog.plural_expr)  # type: ignore[attr-defined]  # not in the stubs
    different = []
    for message in _texts(catalog).values():
        forms = _forms(message.string)
        if message.pluralizable:
            one, many = message.id
            said = {forms[plural_form(n)]: compiled.ngettext(one, many, n) for n in range(200)}
        else:
            said = {forms[0]: compiled.gettext(str(message.id))}
        different += [wanted for wanted, got in said.items() if wanted != got]
    assert different == [], "run: make texts"


def test_each_catalogue_lies_where_it_is_looked_for(path: Path) -> None:
    assert path == LOCALE / path.parts[-3] / "LC_MESSAGES" / "neonpay.po"
