"""What the page of live events says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Live events",
    "last": "{what} at {at}, the last so far.",
    "empty": "Nothing has happened yet.",
    "empty_more": "The first event appears here within a second of being written.",
    "lead": "As they are written to the ledger. The list stands still while you read it.",
    "pause": "Pause",
    "paused": "Stands still.",
    "follows": "Follows.",
    "new": "New events that wait: {n}",
    "lost": "No connection; the browser tries again by itself.",
    "reload": "Load the newest",
    "time": "Time, {zone}",
    "event": "Event",
    "about": "About",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "События",
    "last": "{what} в {at}, пока последнее.",
    "empty": "Пока ничего не произошло.",
    "empty_more": "Первое событие появится здесь в течение секунды после записи.",
    "lead": "По мере записи в журнал. Пока вы читаете, список стоит.",
    "pause": "Пауза",
    "paused": "Список стоит.",
    "follows": "Список обновляется.",
    "new": "Ждут новые события: {n}",
    "lost": "Связи нет, браузер попробует снова сам.",
    "reload": "Загрузить новые",
    "time": "Время, {zone}",
    "event": "Событие",
    "about": "О чём",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)
