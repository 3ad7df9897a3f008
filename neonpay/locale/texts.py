"""Says texts in somebody's language."""

from __future__ import annotations

import gettext
import logging
import struct
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from neonpay.core.wording import Catalogue, Text, language_tags
from neonpay.errors import ConfigurationError

logger = logging.getLogger("neonpay.locale")

_ENGLISH = "en"
_UNREADABLE = (OSError, UnicodeDecodeError, ValueError, struct.error)
"""What a file that is no compiled catalogue makes of gettext."""


class Texts:
    """Says what the program has to say: in the seller's words, else in those of the text's catalogue, else in English.

    Args:
        folder: catalogues of the seller's, in ``<language>/LC_MESSAGES/<domain>.mo``. What they translate goes before all
            else, and a language that only they have is spoken, too.

    Raises:
        ConfigurationError: the folder has no catalogue, or one that cannot be read.
    """

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._files: dict[Catalogue, Mapping[str, list[Path]]] = {}
        self._spoken: dict[tuple[Path, ...], gettext.NullTranslations] = {}
        if self._folder is not None:
            _refuse_unreadable(self._folder)

    def say(self, text: Text, language_code: str | None, **values: object) -> str:
        """The text in the language that Telegram names, with its values; never raises.

        A translation that cannot take the values is logged and said in English.
        """
        known = {**text.values, **values}
        count = known.get(text.by) if text.by is not None else None
        spoken = self._translations(text.catalogue, language_code)
        if text.many is not None and isinstance(count, int):
            english = text.english if count == 1 else text.many
            said = spoken.ngettext(text.english, text.many, count)
        else:
            english = text.english
            said = spoken.gettext(english) if english else ""
        for form in (said, english):
            try:
                return form.format_map(known)
            except Exception:  # whatever a value's own code raises; somebody waits for an answer
                logger.exception("%r cannot be filled in; it is in the catalogue %r", form, text.catalogue.domain)
        return english

    def _translations(self, catalogue: Catalogue, language_code: str | None) -> gettext.NullTranslations:
        files = self._files.get(catalogue)
        if files is None:
            files = self._files[catalogue] = self._files_of(catalogue)
        # Keyed by files and not by the code, which somebody outside chooses: there are only so many of them.
        wanted = tuple(path for tag in (*language_tags(language_code), _ENGLISH) for path in files.get(tag, ()))
        spoken = self._spoken.get(wanted)
        if spoken is None:
            spoken = self._spoken[wanted] = _chained(wanted)
        return spoken

    def _files_of(self, catalogue: Catalogue) -> Mapping[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in (self._folder, catalogue.folder):
            if folder is not None:
                for path in sorted(folder.glob(f"*/LC_MESSAGES/{catalogue.domain}.mo")):
                    for tag in language_tags(path.parts[-3])[:1]:
                        found.setdefault(tag, []).append(path)
        return found


def own_words(words: str | Mapping[str, str], language_code: str | None) -> str:
    """The shop's own text in a language: one text for everybody, or by language code; the first one is for the others."""
    if isinstance(words, str):
        return words
    by_tag = {tag: text for code, text in words.items() for tag in language_tags(code)[:1] if text}
    spoken = (by_tag[tag] for tag in language_tags(language_code) if tag in by_tag)
    return next(spoken, None) or next(iter(words.values()))


def _chained(paths: tuple[Path, ...]) -> gettext.NullTranslations:
    """Translations that are looked up in these files one after another; one that cannot be read is logged and left out."""
    spoken = gettext.NullTranslations()
    for path in reversed(paths):
        try:
            better = _read(path)
        except _UNREADABLE as exc:
            logger.error("the catalogue %s cannot be read: %s", path, exc)  # noqa: TRY400  # the trace is gettext's own
        else:
            better.add_fallback(spoken)
            spoken = better
    return spoken


def _read(path: Path) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)


def _refuse_unreadable(folder: Path) -> None:
    paths = list(folder.glob("*/LC_MESSAGES/*.mo"))
    if not paths:
        msg = f"{folder} has no catalogue of texts, such as {folder / 'ru' / 'LC_MESSAGES' / 'neonpay.mo'}"
        raise ConfigurationError(msg)
    for path in paths:
        try:
            _read(path)
        except _UNREADABLE as exc:
            msg = f"{path} is no compiled catalogue; make it of its .po file with `pybabel compile -d {folder} -D {path.stem}`"
            raise ConfigurationError(msg) from exc
