"""The file with the settings of a shop."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from neonpay.errors import ConfigurationError

FILE: Final = "neonpay.toml"
FILE_VARIABLE: Final = "NEONPAY_CONFIG"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says, section by section; what it says is left out of ``repr``."""

    path: Path
    sections: Mapping[str, Mapping[str, object]] = field(repr=False)


def read_file(environ: Mapping[str, str], file: Path | None = None) -> SettingsFile | None:
    """The file that is named, else the one that ``NEONPAY_CONFIG`` names, else ``./neonpay.toml``; None without one.

    Raises:
        ConfigurationError: a file that is named cannot be read, it is no TOML, or a setting stands outside of a section.
    """
    named = file or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    if named is None and not Path(FILE).is_file():
        return None
    path = (named or Path(FILE)).absolute()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        hint = f"; {FILE_VARIABLE} names it" if named is not None and file is None else ""
        msg = f"cannot read the settings {path}: {exc.strerror or exc}{hint}"
        raise ConfigurationError(msg) from exc
    except UnicodeDecodeError:
        msg = f"cannot read the settings {path}: it is not UTF-8"
        raise ConfigurationError(msg) from None
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        # The parser keeps the text of the file in its traceback, and secrets are in it.
        words = str(exc) if isinstance(exc, tomllib.TOMLDecodeError) else "it is nested too deep"
        msg = f"the settings {path} are no TOML: {words}"
        raise ConfigurationError(msg) from None
    outside = [name for name, value in found.items() if not isinstance(value, dict)]
    if outside:
        msg = f"{outside[0]!r} in {path} stands outside of a section; write [neonpay] in the line above it"
        raise ConfigurationError(msg)
    return SettingsFile(path, found)
