"""The host's own translator: asked before neonpay's words, and never the reason why somebody is not told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol, runtime_checkable

from neonpay.core.words import language_among
from neonpay.errors import ConfigurationError

logger = logging.getLogger("neonpay.notifications")

Translate = Callable[[str, str | None], str | None]
"""The host's own translator: the text of a key, such as ``payment_completed.subject``, in a language, with values where their
names stand in braces. None, and the key itself, leave it to us: with aiogram's i18n
``lambda key, language: i18n.gettext(key, locale=language)``."""


@runtime_checkable
class Speaks(Protocol):
    """A translator that puts the values in their places itself, as languages with plurals of their own need it."""

    def said(self, key: str, language_code: str | None, values: Mapping[str, object], /) -> str | None:
        """The text of a key with its values; None leaves it to us."""
        ...


Translator = Translate | Speaks


class Localization(Protocol):
    """The texts of one language; ``fluent.runtime.FluentLocalization``."""

    def format_value(self, msg_id: str, args: dict[str, object] | None = None) -> str:
        """The text of a message; its id when there is none."""
        ...


class FluentCore(Protocol):
    """The texts of all languages; ``aiogram_i18n.cores.FluentRuntimeCore`` or another core of that package, started."""

    default_locale: str | None

    @property
    def available_locales(self) -> tuple[str, ...]:
        """The languages that there are."""
        ...

    def get(self, message: str, locale: str | None = None, /, **values: object) -> str:
        """The text of a message in a language."""
        ...


class Fluent:
    """A translator with texts in Fluent (https://projectfluent.org).

    The message of a key has its name with ``-`` for each dot, ``alert-payment_completed-subject``, since a dot is something
    else in Fluent. What a language has no message for is left to neonpay.

    Args:
        texts: localizations of ``fluent.runtime`` by language, ``{"en": FluentLocalization(...)}``, or a core of aiogram_i18n.
    """

    def __init__(self, texts: Mapping[str, Localization] | FluentCore) -> None:
        self._texts = texts

    def said(self, key: str, language_code: str | None, values: Mapping[str, object], /) -> str | None:
        """The text of a key in a language; None when it has none."""
        message, texts = key.replace(".", "-"), self._texts
        if isinstance(texts, Mapping):
            language = language_among(texts.keys(), language_code or "en")
            return None if language is None else _unless(message, texts[language].format_value(message, dict(values)))
        language = language_among(texts.available_locales, language_code or texts.default_locale or "en")
        if language is None:
            return None
        try:
            return _unless(message, texts.get(message, language, **values))
        except Exception as exc:
            if type(exc).__name__ != _NO_KEY:
                raise
            return None


_NO_KEY: Final = "KeyNotFoundError"
"""What aiogram_i18n raises, which is the host's to install and not ours to import."""


def _unless(message: str, text: str) -> str | None:
    return None if text == message else text


class HostWords:
    """What the host's translator says, as far as it says something.

    A translator that raises, or whose text names a value that there is not, is told of in the log once for each key;
    neonpay's own words are said then.

    Raises:
        ConfigurationError: the translator is none.
    """

    def __init__(self, translator: Translator | None) -> None:
        if not (translator is None or callable(translator) or isinstance(translator, Speaks)):
            msg = f"translate is a function of a key and a language, or Fluent(…); got {type(translator).__name__}"
            raise ConfigurationError(msg)
        self._translator = translator
        self._told: set[str] = set()

    def said(self, key: str, language_code: str | None, values: Mapping[str, object]) -> str | None:
        """The host's text with its values; None for neonpay's own words."""
        if self._translator is None:
            return None
        try:
            if isinstance(self._translator, Speaks):
                return self._text(self._translator.said(key, language_code, values))
            text = self._text(self._translator(key, language_code))
            return None if text is None or text == key else text.format_map(values)
        except Exception:  # whatever it raises, somebody has to be told of what has happened
            if key not in self._told:
                self._told.add(key)
                logger.exception("the translator of %r failed, and neonpay's words are said", key)
            return None

    @staticmethod
    def _text(found: object) -> str | None:
        if found is None or isinstance(found, str):
            return found or None
        msg = f"a translator returns text or None; got {type(found).__name__}"
        raise TypeError(msg)
