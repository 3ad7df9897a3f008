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
    "day_0": "Mon {date}",
    "day_1": "Tue {date}",
    "day_2": "Wed {date}",
    "day_3": "Thu {date}",
    "day_4": "Fri {date}",
    "day_5": "Sat {date}",
    "day_6": "Sun {date}",
    "month_1": "Jan {year}",
    "month_2": "Feb {year}",
    "month_3": "Mar {year}",
    "month_4": "Apr {year}",
    "month_5": "May {year}",
    "month_6": "Jun {year}",
    "month_7": "Jul {year}",
    "month_8": "Aug {year}",
    "month_9": "Sep {year}",
    "month_10": "Oct {year}",
    "month_11": "Nov {year}",
    "month_12": "Dec {year}",
    "now_hour": "this hour",
    "now_day": "today",
    "now_week": "this week",
    "now_month": "this month",
    "hour": "{date}, {time}",
    "week": "Week from {date}",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "as_table": "Показать таблицей",
    "unknown": "неизвестно",
    "missing": "Пропуски: время, о котором ничего не известно.",
    "coarser_day": "Такой длинный период показан по дням: более узкие столбцы слились бы.",
    "coarser_week": "Такой длинный период показан по неделям: более узкие столбцы слились бы.",
    "coarser_month": "Такой длинный период показан по месяцам: более узкие столбцы слились бы.",
    "keys": "{title}. Стрелки читают график по столбцам.",
    "day_0": "пн, {date}",
    "day_1": "вт, {date}",
    "day_2": "ср, {date}",
    "day_3": "чт, {date}",
    "day_4": "пт, {date}",
    "day_5": "сб, {date}",
    "day_6": "вс, {date}",
    "month_1": "январь {year}",
    "month_2": "февраль {year}",
    "month_3": "март {year}",
    "month_4": "апрель {year}",
    "month_5": "май {year}",
    "month_6": "июнь {year}",
    "month_7": "июль {year}",
    "month_8": "август {year}",
    "month_9": "сентябрь {year}",
    "month_10": "октябрь {year}",
    "month_11": "ноябрь {year}",
    "month_12": "декабрь {year}",
    "now_hour": "этот час",
    "now_day": "сегодня",
    "now_week": "эта неделя",
    "now_month": "этот месяц",
    "hour": "{date}, {time}",
    "week": "Неделя с {date}",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)
