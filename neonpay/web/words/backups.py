"""What the page of backups says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Backups",
    "good": "The last good backup is of {when}.",
    "failing": "The last backup has failed.",
    "empty": "neonpay has made no backup of this ledger.",
    "none_since": "No backup was made since this ledger was restored.",
    "empty_more": "One command makes one, while the bots run.",
    "lead": "What was done with backups, newest first. They lie in a folder, which this page does not show.",
    "tried": "A backup was tried out on {when}.",
    "never_tried": "No backup was ever tried out. To restore the newest into a database that is thrown away, type:",
    "restored": "This ledger was made of a backup on {when}.",
    "act": "What",
    "act_backup": "Backup",
    "act_verify": "Read back",
    "act_drill": "Tried out",
    "act_copy": "Copied",
    "backup": "Backup",
    "when": "When",
    "size": "Size",
    "added": "New",
    "state": "State",
    "done": "done",
    "failed": "failed",
    "bring_back": "To bring one back, stop every program of the shop, and type:",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Резервные копии",
    "good": "Последняя удачная копия: {when}.",
    "failing": "Последнюю копию сделать не удалось.",
    "empty": "neonpay ещё не делал копий этого журнала.",
    "none_since": "С тех пор как журнал восстановили, копий не делали.",
    "empty_more": "Одна команда делает копию, пока боты работают.",
    "lead": "Что делали с копиями: последнее сверху. Сами они лежат в папке, и эта страница её не показывает.",
    "tried": "Копию проверили восстановлением: {when}.",
    "never_tried": "Ни одну копию ещё не проверяли. Чтобы восстановить последнюю во временную базу, введите:",
    "restored": "Этот журнал восстановлен из копии: {when}.",
    "act": "Что",
    "act_backup": "Копия",
    "act_verify": "Перечитана",
    "act_drill": "Проверена",
    "act_copy": "Скопирована",
    "backup": "Копия",
    "when": "Когда",
    "size": "Размер",
    "added": "Новое",
    "state": "Итог",
    "done": "готово",
    "failed": "не удалось",
    "bring_back": "Чтобы восстановить копию, остановите все программы магазина и введите:",
}
WORDS: Final = MappingProxyType({"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)})
"""Sentences by language and key."""
