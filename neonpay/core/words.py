"""Words for people, in their language: English in the source, every other language in a gettext catalogue.

Only the standard library is needed. A catalogue is read once, when it is made, and nothing waits for a disk afterwards.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

_ENGLISH: Final = gettext.NullTranslations()


@dataclass(frozen=True, slots=True)
class Words:
    """Something to say, in English, which is also its key in a catalogue; values go where their names stand in braces.

    Write both forms out where a number is shown, ``Words("{stars} Star", "{stars} Stars")``: a language may need three.

    Attributes:
        one: the words; those for 1 where ``many`` is given.
        many: the words for other numbers.
        counted: name of the value that is the number.
    """

    one: str
    many: str | None = None
    counted: str = "stars"


@dataclass(frozen=True, slots=True)
class Translated:
    """One text in every language that there is, for whoever will know the reader.

    Attributes:
        english: what everybody else reads.
        others: the text by language, such as ``ru`` or ``pt_BR``.
    """

    english: str
    others: Mapping[str, str] = field(default_factory=dict, hash=False)

    def said(self, language_code: str | None) -> str:
        """The text in the language of an IETF code such as Telegram's ``language_code``."""
        language = language_among(self.others.keys(), language_code)
        return self.english if language is None else self.others[language]

    def mapped(self, change: Callable[[str], str]) -> Translated:
        """The same with each text changed."""
        return Translated(change(self.english), {name: change(text) for name, text in self.others.items()})


class Catalogue:
    """The languages of one gettext domain: ``folder/LANGUAGE/LC_MESSAGES/domain.mo``.

    What a catalogue does not have is said in English, so a language may be begun and finished later.

    Attributes:
        languages: those that are there beside English, by their folders' names.
    """

    def __init__(self, domain: str, folder: str | Path) -> None:
        found = {}
        for path in sorted(Path(folder).glob(f"*/LC_MESSAGES/{domain}.mo")):
            with path.open("rb") as file:
                found[path.parents[1].name] = gettext.GNUTranslations(file)
        self._translations = MappingProxyType(found)
        self.languages: frozenset[str] = frozenset(found)

    def say(self, words: Words, language_code: str | None, /, **values: object) -> str:
        """The words with their values, in the language of an IETF code such as Telegram's ``language_code``.

        Raises:
            KeyError: a value is missing.
        """
        language = language_among(self.languages, language_code)
        return _said(_ENGLISH if language is None else self._translations[language], words, values)

    def in_all_languages(self, words: Words, /, **values: object) -> Translated:
        """The words with their values for a reader who is not known yet, as in a ``Refusal``.

        Raises:
            KeyError: a value is missing.
        """
        others = {name: _said(translations, words, values) for name, translations in self._translations.items()}
        return Translated(_said(_ENGLISH, words, values), MappingProxyType(others))


def language_among(languages: Collection[str], language_code: str | None) -> str | None:
    """Which of these languages somebody reads: theirs, or the one that theirs is a kind of; None when neither is there.

    ``pt-BR`` is ``pt_BR`` or else ``pt``; letters may be small or large.
    """
    known = {_subtags(language): language for language in languages}
    wanted = _subtags(language_code or "")
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted[:-1]
    return None


def _said(translations: gettext.NullTranslations, words: Words, values: Mapping[str, object]) -> str:
    if words.many is None:
        text = translations.gettext(words.one)
    else:
        number = values[words.counted]
        assert isinstance(number, int), "what is counted is a whole number"
        text = translations.ngettext(words.one, words.many, number)
    return text.format_map(values)


def _subtags(language_code: str) -> tuple[str, ...]:
    return tuple(language_code.lower().replace("_", "-").split("-"))


NEONPAY: Final = Catalogue("neonpay", Path(__file__).parents[1] / "locale")
"""What neonpay itself says to buyers and to a shop's people in Telegram."""
