"""How the pages speak: sentences by key, and figures, dates and shares as a language writes them.

Whole sentences and never glued parts, because languages order their words differently. Stars are whole numbers and never
shortened; below zero they carry U+2212.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from types import MappingProxyType
from typing import Final

from neonpay.web import words as pages

DEFAULT: Final = "en"
LANGUAGES: Final = ("en", "ru")

Sentence = str | tuple[str, ...]
_NARROW: Final = "\N{NO-BREAK SPACE}"
_MINUS: Final = "\N{MINUS SIGN}"
_MONTHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "ru": ("янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."),
})  # fmt: skip
_TEN: Final = 10
_TEENS: Final = range(11, 15)
_NEARLY_ALL: Final = 0.99995


@dataclass(frozen=True, slots=True)
class Speech:
    """One language, for templates: ``w("payments.title")``, ``w.count("payments.found", n)``, ``w.stars(n)``.

    Attributes:
        language: ``en`` or ``ru``.
        zone: in which times are shown.
        zone_name: how that zone is called; it is written wherever an hour is a fact.
    """

    language: str
    zone: tzinfo
    zone_name: str = "UTC"

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of a key, ``PAGE.NAME``, with its values in their places.

        Raises:
            KeyError: there is no such sentence, or it has a place for a value that is not given.
        """
        sentence = self._sentence(key)
        if not isinstance(sentence, str):
            msg = f"{key} is about a number: use count()"
            raise KeyError(msg)
        return sentence.format(**values)

    def count(self, key: str, number: int, **values: object) -> str:
        """A sentence about a number, which stands in it as ``{n}``."""
        sentence = self._sentence(key)
        forms = (sentence,) if isinstance(sentence, str) else sentence
        form = forms[min(self._form(abs(number)), len(forms) - 1)]
        return form.format(n=self.number(number), **values)

    def number(self, value: int) -> str:
        """A whole number, grouped by thousands."""
        grouped = f"{abs(value):,}"
        if self.language == "ru":
            grouped = grouped.replace(",", _NARROW)
        return f"{_MINUS}{grouped}" if value < 0 else grouped

    def percent(self, share: float, digits: int = 1) -> str:
        """A share of one; one below 99.995 % is never rounded to all."""
        if share < _NEARLY_ALL and round(share * 100, digits) >= 100:  # noqa: PLR2004  # per cent
            digits += 2
        text = f"{abs(share) * 100:.{digits}f}"
        sign = _MINUS if share < 0 and float(text) else ""
        return f"{sign}{text.replace('.', ',')}{_NARROW}%" if self.language == "ru" else f"{sign}{text}%"

    def date(self, when: date | datetime, *, year: bool = False) -> str:
        """``15 Mar``, with the year where that is asked for."""
        if isinstance(when, datetime):
            when = when.astimezone(self.zone)
        day = f"{when.day}{_NARROW}{_MONTHS[self.language][when.month - 1]}"
        return f"{day}{_NARROW}{when.year}" if year else day

    def time(self, when: datetime, *, seconds: bool = False) -> str:
        """``14:31``, in the zone of the reader."""
        return when.astimezone(self.zone).strftime("%H:%M:%S" if seconds else "%H:%M")

    def moment(self, when: datetime) -> str:
        """A fact: the day with its year, the time with its seconds, the zone."""
        return f"{self.date(when, year=True)}, {self.time(when, seconds=True)} {self.zone_name}"

    def _sentence(self, key: str) -> Sentence:
        page, _, name = key.partition(".")
        return _words(page)[self.language][name]

    def _form(self, number: int) -> int:
        if self.language != "ru":
            return 0 if number == 1 else 1
        if number % _TEN == 1 and number % 100 not in _TEENS:
            return 0
        return 1 if number % _TEN in {2, 3, 4} and number % 100 not in _TEENS else 2


@cache
def _words(page: str) -> Mapping[str, Mapping[str, Sentence]]:
    module = importlib.import_module(f"{pages.__name__}.{page}")
    found: Mapping[str, Mapping[str, Sentence]] = module.WORDS
    return found


def pages_with_words() -> list[str]:
    """The pages that have words, for a look at all of them."""
    return sorted(module.name for module in pkgutil.iter_modules(pages.__path__))


def language_of(accepted: str) -> str:
    """The language of ours that an ``Accept-Language`` header likes best; English when it likes none."""
    best, best_weight = DEFAULT, 0.0
    for item in accepted.split(","):
        tag, *parameters = (word.strip().lower() for word in item.split(";"))
        name = tag.partition("-")[0]
        weight = next((_weight(text[2:]) for text in parameters if text.startswith("q=")), 1.0)
        if name in LANGUAGES and weight > best_weight:
            best, best_weight = name, weight
    return best


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
