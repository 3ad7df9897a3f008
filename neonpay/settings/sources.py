"""Where settings come from, and which of them wins: arguments, variables, the file, defaults."""

from __future__ import annotations

import difflib
import logging
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from neonpay.core.secrecy import mask
from neonpay.errors import ConfigurationError
from neonpay.settings.file import FILE, FILE_VARIABLE, SettingsFile, read_file
from neonpay.settings.left_out import LEFT_OUT
from neonpay.settings.section import OFF, Setting, settings_in

logger = logging.getLogger("neonpay.settings")

S = TypeVar("S", bound=msgspec.Struct)

CORE: Final = "neonpay"
"""The section of neonpay itself, whose variables have no name of a section in them."""
_NEAR: Final = 0.8
"""Similarity from which a name of the environment or of a section is taken for a mistyped one; they may be somebody else's."""
_SHOWN_CHARS: Final = 60
_LISTS: Final = {"a whole number": "123456789,987654321"}
"""A list as a variable has it, by what its items are."""


def settings_of(
    section_type: type[S],
    section: str,
    *,
    arguments: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> S:
    """The settings of one section: of each the argument, else the variable, else what the file says, else its default.

    Args:
        section_type: what the section may say; a ``Section``.
        section: its name: ``[NAME]`` in the file, ``NEONPAY_NAME_FIELD`` in the environment, dashes as underscores.
        arguments: what the program says; what is ``LEFT_OUT`` is not said.
        environ: the environment; that of the process when left out.
        file: the file; when left out, the one that ``NEONPAY_CONFIG`` names, else ``./neonpay.toml`` if it is there.

    Raises:
        ConfigurationError: a setting is unknown, missing, or not what it may be, or the file cannot be read; the message
            says where it stands and what is allowed, and shows no secret.
    """
    sources = Sources(environ, file)
    found = sources.settings_of(section_type, section, arguments)
    sources.warn()
    return found


def variable_of(section: str, name: str) -> str:
    """The variable of a setting."""
    return f"{_prefix(section)}{name.upper()}"


class Sources:
    """An environment and a file, read once for several sections.

    Raises:
        ConfigurationError: the file cannot be read.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, file: Path | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._file: SettingsFile | None = read_file(self._environ, file)
        self._known: dict[str, str] = {FILE_VARIABLE: CORE}
        """The section of each variable that somebody has asked for."""

    def settings_of(self, section_type: type[S], section: str, arguments: Mapping[str, object] | None = None) -> S:
        """As the function of the same name."""
        settings = {one.name: one for one in settings_in(section_type)}
        self._known |= {variable_of(section, name): section for name in settings}
        said = {name: value for name, value in (arguments or {}).items() if value is not LEFT_OUT}
        in_file = self._file.sections.get(section, {}) if self._file is not None else {}
        for names, place in ((in_file, f"[{section}] of {self._path}"), (said, f"the arguments of [{section}]")):
            for name in names:
                if name not in settings:
                    msg = f"unknown setting {name!r} in {place}; {_nearest(name, settings)}"
                    raise ConfigurationError(msg)
        values: dict[str, object] = {}
        for name, one in settings.items():
            variable = variable_of(section, name)
            if name in said:
                values[name] = _checked(one, said[name], f"argument {name}", is_argument=True)
            elif text := self._environ.get(variable):
                values[name] = _from_variable(one, text, variable)
            elif name in in_file:
                values[name] = _checked(one, in_file[name], f"{name} in [{section}] of {self._path}")
            elif one.default is msgspec.NODEFAULT:
                where = self._path or FILE
                msg = f"{name} of [{section}] is missing: write it there in {where}, or set {variable}"
                raise ConfigurationError(msg)
        try:
            return section_type(**values)
        except (ValueError, TypeError) as exc:
            secrets = [str(values[name]) for name, one in settings.items() if one.is_secret and values.get(name)]
            msg = f"the settings of [{section}] do not fit together: {mask(str(exc), secrets)}"
            raise ConfigurationError(msg) from None

    def refuse_mistyped(self, ours: Collection[str], others: Collection[str] = ()) -> None:
        """Raises ConfigurationError when a section of the file is named almost like one of ours and is nobody's."""
        for name in self.sections:
            near = difflib.get_close_matches(name, ours, n=1, cutoff=_NEAR)
            if near and name not in ours and name not in others:
                msg = f"unknown section [{name}] in {self._path}; did you mean [{near[0]}]?"
                raise ConfigurationError(msg)

    @property
    def sections(self) -> list[str]:
        """The sections that the file has."""
        return [] if self._file is None else list(self._file.sections)

    def tell(self) -> None:
        """Log which file was read, if one was, and what ``warn`` logs."""
        if self._file is not None:
            logger.info("settings read from %s", self._file.path)
        self.warn()

    def warn(self) -> None:
        """Log variables that nobody has asked for and that look like one that somebody has."""
        for name in self._environ:
            if name in self._known or not name.startswith(_prefix(CORE)):
                continue
            # Without what they all begin with, or every one of them would be near.
            short = {known.removeprefix(_prefix(CORE)): known for known in self._known}
            near = difflib.get_close_matches(name.removeprefix(_prefix(CORE)), short, n=1, cutoff=_NEAR)
            if near:
                logger.warning("the variable %s is no setting; did you mean %s?", name, short[near[0]])

    @property
    def _path(self) -> Path | None:
        return None if self._file is None else self._file.path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with file {self._path}>"


def _prefix(section: str) -> str:
    return "NEONPAY_" if section == CORE else f"NEONPAY_{section.upper().replace('-', '_')}_"


@dataclass(frozen=True, slots=True)
class _NoToml:
    """A variable's text that is no value of TOML."""

    text: str

    def __repr__(self) -> str:
        return repr(self.text)


def _from_variable(setting: Setting, text: str, variable: str) -> object:
    """What a variable says; raises ConfigurationError when it is none of the setting's type."""
    if setting.items is None:
        return _checked(setting, _value(setting, text, variable), f"variable {variable}")
    try:
        return _checked(setting, _value(setting, text, variable), variable)
    except ConfigurationError:
        example = _LISTS.get(setting.items.partition(",")[0])
        write = f"; write {variable}={example}" if example else ""
        got = _shown(text, is_secret=setting.is_secret)
        msg = f"variable {variable} must be items with commas between them, each {setting.items}; got {got}{write}"
        # What it comes from has the list that was made of the text.
        raise ConfigurationError(msg) from None


def _value(setting: Setting, text: str, variable: str) -> object:
    """What a variable says: text where the setting takes text, else a value as the file would have it."""
    if setting.takes_text or (setting.may_be_off and text == OFF):
        return text
    if setting.items is not None and not text.lstrip().startswith("["):
        text = f"[{text}]"
    try:
        found = tomllib.loads(f"{variable} = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        # A word without quotes, as in NEONPAY_ROLE=offers.
        return text if re.fullmatch(r"[A-Za-z_-]+", text) else _NoToml(text)
    return found[variable] if len(found) == 1 else _NoToml(text)


def _checked(setting: Setting, value: object, place: str, *, is_argument: bool = False) -> object:
    """The value as the setting's type has it; raises ConfigurationError when it is none of that type."""
    if setting.may_be_off and (value == OFF if isinstance(value, str) else value is None and is_argument):
        return None
    deeper = ""
    if not isinstance(value, _NoToml):
        try:
            return msgspec.convert(value, setting.annotation)
        except (msgspec.ValidationError, TypeError) as exc:
            found = re.search(r"at `(?:key in )?\$([^`]+)`$", str(exc))
            deeper = f" (at {setting.name}{found[1]})" if found else ""
    msg = f"{place} must be {setting.allowed}; got {_shown(value, is_secret=setting.is_secret)}{deeper}"
    # The library's error may show the value.
    raise ConfigurationError(msg) from None


def _shown(value: object, *, is_secret: bool) -> str:
    if is_secret:
        return f"a value that is not shown, of type {type(value).__name__}"
    text = mask(repr(value))
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
