"""What the page of exports says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Exports",
    "title": "The books can be taken out, whole or by day.",
    "lead": (
        "{n} bot. Each download is written in the book of acts.",
        "{n} bots. Each download is written in the book of acts.",
    ),
    "form": "What to download",
    "sheet": "Sheet",
    "sheet_payments": "Payments",
    "sheet_refunds": "Refunds",
    "sheet_journal": "Journal, entry by entry",
    "sheet_daily": "Journal by day: debit and credit",
    "format": "Format",
    "format_csv": "CSV for spreadsheets",
    "format_jsonl": "JSON lines",
    "format_parquet": "Parquet",
    "since": "From this day",
    "until": "To this day",
    "days": "Both days are included, in {zone}. Leave them empty for everything. The period at the top does not count here.",
    "names": "With names of buyers",
    "names_what": "Usernames and first names, where they are known, in sheets of payments and refunds.",
    "no_names": "Names of buyers are for operators and owners; your files have user ids.",
    "download": "Download the sheet",
    "refused_wrong": "Nothing was made: the days are not in order, or the form was changed. Choose again.",
    "refused_busy": "Somebody else’s export is being made. Try again in a minute.",
    "refused_no_parquet": "Nothing was made: Parquet needs the extra “parquet” of neonpay on this machine.",
    "about": "What is in it",
    "about_columns": "Columns stay; new ones come at the end. Times are in UTC. Text that a spreadsheet would take for a "
    "formula has an apostrophe in front.",
    "about_estimate": "“estimate_usd” is what the Stars of a row would bring as a reward, by a rate with its date. "
    "It decides nothing.",
    "about_daily": "In the journal by day, debit and credit are equal on every day.",
    "about_large": "A large ledger is exported by the command, which has no time limit:",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "nav": "Выгрузки",
    "title": "Книги можно выгрузить целиком или по дням.",
    "lead": (
        "{n} бот. Каждая выгрузка записывается в журнал действий.",
        "{n} бота. Каждая выгрузка записывается в журнал действий.",
        "{n} ботов. Каждая выгрузка записывается в журнал действий.",
    ),
    "form": "Что выгрузить",
    "sheet": "Таблица",
    "sheet_payments": "Платежи",
    "sheet_refunds": "Возвраты",
    "sheet_journal": "Проводки по одной",
    "sheet_daily": "Проводки по дням: дебет и кредит",
    "format": "Формат",
    "format_csv": "CSV для таблиц",
    "format_jsonl": "JSON построчно",
    "format_parquet": "Parquet",
    "since": "С этого дня",
    "until": "По этот день",
    "days": "Оба дня входят в выгрузку, время: {zone}. Если оставить поля пустыми, выгрузится всё. "
    "Период в шапке здесь не учитывается.",
    "names": "С именами покупателей",
    "names_what": "Имена и имена пользователей, если они известны, в таблицах платежей и возвратов.",
    "no_names": "Имена покупателей доступны операторам и владельцам; в ваших файлах будут только номера пользователей.",
    "download": "Скачать таблицу",
    "refused_wrong": "Файл не создан: дни идут не по порядку или форма изменена. Выберите ещё раз.",
    "refused_busy": "Сейчас готовится чужая выгрузка. Попробуйте через минуту.",
    "refused_no_parquet": "Файл не создан: для Parquet на этой машине нужно дополнение neonpay «parquet».",
    "about": "Что внутри",
    "about_columns": "Столбцы не меняются, новые добавляются в конец. Время указано в UTC. Перед текстом, который таблица "
    "приняла бы за формулу, стоит апостроф.",
    "about_estimate": "«estimate_usd» — сколько принесли бы звёзды строки по курсу вознаграждения с его датой. "
    "Эта оценка ни на что не влияет.",
    "about_daily": "В проводках по дням дебет и кредит каждого дня равны.",
    "about_large": "Большой журнал выгружает команда, у которой нет ограничения по времени:",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType({"en": _EN, "ru": _RU})
