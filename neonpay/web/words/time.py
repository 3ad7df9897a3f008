"""How long something took."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "ms": "{n}\N{NO-BREAK SPACE}ms",
    "s": "{n}\N{NO-BREAK SPACE}s",
    "min": "{n}\N{NO-BREAK SPACE}min",
    "h": "{n}\N{NO-BREAK SPACE}h",
    "d": "{n}\N{NO-BREAK SPACE}d",
    "later": "{length} later",
    "waits": "Waits {length}",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "ms": "{n}\N{NO-BREAK SPACE}мс",
    "s": "{n}\N{NO-BREAK SPACE}с",
    "min": "{n}\N{NO-BREAK SPACE}мин",
    "h": "{n}\N{NO-BREAK SPACE}ч",
    "d": "{n}\N{NO-BREAK SPACE}дн.",
    "later": "через {length}",
    "waits": "Ждёт {length}",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)
