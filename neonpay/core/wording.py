"""What is said to people, before anybody knows in which language.

A text is written in English where it is used, and that English finds its translation in a gettext catalogue.
``neonpay.locale.texts`` says it in a language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

_TAG = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8}){0,3}", re.IGNORECASE)
_SCRIPT_CHARS = 4


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A gettext domain, and the folder that has ``<language>/LC_MESSAGES/<domain>.mo`` for each language.

    A package that sells through neonpay has one of its own: ``WORDS = Catalogue("shelves", Path(__file__).parent / "locale")``.
    """

    domain: str
    folder: Path

    def translatable(self, english: str, /) -> Text:
        """A text; ``{name}`` in it stands for a value that is given when it is said."""
        return Text(english, catalogue=self)

    def translatable_plural(self, one: str, many: str, /, *, by: str) -> Text:
        """A text with a number in it, whose form that number chooses.

        Args:
            one, many: the English for 1 and for every other number; both show the same values.
            by: name of the value that is the number.
        """
        return Text(one, catalogue=self, many=many, by=by)


@dataclass(frozen=True, slots=True)
class Text:
    """Something to say, in English and in the languages of its catalogue; made by ``Catalogue.translatable``.

    Attributes:
        english: what it is looked up by, and what is said where there is no translation.
        many, by: the English for numbers other than 1, and the name of the value that is the number.
        values: values that are known already.
    """

    english: str
    catalogue: Catalogue
    many: str | None = None
    by: str | None = None
    values: Mapping[str, object] = field(default_factory=dict, hash=False)

    def with_values(self, **values: object) -> Text:
        """The same text with some of its values filled in, for whoever says it later."""
        return replace(self, values=MappingProxyType({**self.values, **values}))


OURS = Catalogue("neonpay", Path(__file__).parents[1] / "locale")
"""What neonpay itself says."""


def language_tags(language_code: str | None) -> list[str]:
    """The names of catalogues that serve a language as Telegram names it, best first: ``pt-br`` gives ``pt_BR`` and ``pt``.

    What is no language tag has none, so nothing that comes from outside becomes the name of a folder.
    """
    if language_code is None or _TAG.fullmatch(language_code) is None:
        return []
    language, *parts = re.split("[-_]", language_code)
    tags = [language.lower()]
    for part in parts:
        tags.append(f"{tags[-1]}_{part.title() if len(part) == _SCRIPT_CHARS else part.upper()}")
    return tags[::-1]
