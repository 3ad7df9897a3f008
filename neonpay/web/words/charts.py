"""What stands around every chart."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "as_table": "Show as a table",
    "unknown": "not known",
    "missing": "Gaps are times of which nothing is known.",
    "coarser_day": "So long a time is drawn by days, since finer bars could not be told apart.",
    "coarser_week": "So long a time is drawn by weeks, since finer bars could not be told apart.",
    "coarser_month": "So long a time is drawn by months, since finer bars could not be told apart.",
    "keys": "{title}. Arrow keys read it bucket by bucket.",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "as_table": "Показать таблицей",
    "unknown": "неизвестно",
    "missing": "Пропуски: время, о котором ничего не известно.",
    "coarser_day": "Такой долгий срок показан по дням: более узкие столбцы слились бы.",
    "coarser_week": "Такой долгий срок показан по неделям: более узкие столбцы слились бы.",
    "coarser_month": "Такой долгий срок показан по месяцам: более узкие столбцы слились бы.",
    "keys": "{title}. Стрелки читают график по столбцам.",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)
