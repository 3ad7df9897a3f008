"""The distributions that an interpreter finds, read from their metadata; nothing is imported."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(.*)")
_BEFORE_RELEASE = re.compile(r"[-_.]?(a|b|c|rc|alpha|beta|pre|preview|dev)[-_.]?\d*", re.IGNORECASE)


def distributions(path: Sequence[str] | None = None) -> Mapping[str, metadata.Distribution]:
    """Distributions by normalised name; where a name is there twice, the one that an import finds.

    Args:
        path: folders to look in, as ``sys.path``, which is taken when it is left out.
    """
    found: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions(path=list(sys.path if path is None else path)):
        name = distribution.metadata["Name"]
        if name:  # a folder that an interrupted pip has left behind has none
            found.setdefault(normalised(name), distribution)
    return found


def normalised(name: str) -> str:
    """A distribution's name as installers compare it.

    https://packaging.python.org/en/latest/specifications/name-normalization/ (read 2026-11-21).
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def is_at_least(version: str, minimum: str) -> bool:
    """Whether a version is the minimum or a later one; a pre-release of the minimum is not.

    Raises:
        ValueError: one of them is no version.
    """
    return _key(version) >= _key(minimum)


def _key(version: str) -> tuple[tuple[int, ...], bool]:
    match = _RELEASE.fullmatch(version.strip())
    if match is None:
        msg = f"{version!r} is no version"
        raise ValueError(msg)
    numbers = [int(number) for number in match.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), _BEFORE_RELEASE.match(match.group(2)) is None
