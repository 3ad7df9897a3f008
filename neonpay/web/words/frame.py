"""What the frame says around every page, and the first page of all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "shop": "Shop",
    "skip": "Skip to the page",
    "pages": "Pages",
    "main_pages": "Main pages",
    "more": "More",
    "sign_out": "Sign out",
    "dark_theme": "Dark theme",
    "need_you": ("{n} needs you", "{n} need you"),
    "stars_word": ("Star", "Stars"),
    "good": "Good:",
    "attention": "Attention:",
    "bot": "Bot",
    "library": "Library",
    "no_library": "none",
    "ledger": "Ledger",
    "no_answer": "does not answer",
    "loops": "Loops",
    "extensions": "Extensions",
    "at_work": "at work",
    "stopped": "stopped",
    "failing": "fails and goes on",
    "cannot_be_used": "cannot be used",
    "no_extensions": "No extension has pages here. To see what is installed, type: {command}",
    "well": "The ledger answers and every loop is at work.",
    "reads": "The ledger answers.",
    "reads_lead": "This program only reads. Whether the bot is at work is seen in the program that runs it.",
    "unopened": "The shop is not open yet.",
    "unopened_lead": "It opens when the bot starts, or with the first payment.",
    "idle": "A loop has stopped: {names}.",
    "idle_lead": "What is paid is recorded; what such a loop does waits. A loop begins again by itself within seconds. "
    "If it does not, restart the program; its log says why.",
    "trouble": "A loop fails and goes on: {names}.",
    "trouble_lead": "What it does waits until a turn of it is well. The log of the program says why it fails.",
    "blind": "The ledger cannot be read.",
    "blind_lead": "The log of this program says why. To look at the database, type: {command}",
    "blind_bot": "Your bot goes on taking payments; only this page is blind.",
    "blind_slow": "The database did not answer within {seconds} seconds.",
    "blind_refused": "The database refused to be read. The log of this program says why.",
    "blind_advice": "To look at the database, type:",
    "try_now": "Try now",
    "400": "The browser asked for something that makes no sense.",
    "403": "This is not to be seen from here.",
    "404": "There is no such page.",
    "405": "This page cannot be used in that way.",
    "500": "This page has failed.",
    "failed_lead": "No payment depends on it. The log of the program says why it failed.",
    "refused_lead": "Go on from the shop, which is the first page of the navigation.",
    "foreign_name": "These pages do not go by this name. Open them by an address such as 127.0.0.1, or allow the name: "
    "neonpay web --name NAME\n",
    "foreign_page": "A page of another place may not change anything here.\n",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "shop": "Магазин",
    "skip": "К содержанию страницы",
    "pages": "Страницы",
    "main_pages": "Главные страницы",
    "more": "Ещё",
    "sign_out": "Выйти",
    "dark_theme": "Тёмная тема",
    "need_you": ("{n} ждёт вас", "{n} ждут вас", "{n} ждут вас"),
    "stars_word": ("звезда", "звезды", "звёзд"),
    "good": "В порядке:",
    "attention": "Внимание:",
    "bot": "Бот",
    "library": "Библиотека",
    "no_library": "нет",
    "ledger": "Журнал",
    "no_answer": "не отвечает",
    "loops": "Циклы",
    "extensions": "Расширения",
    "at_work": "работает",
    "stopped": "остановлен",
    "failing": "сбоит, но продолжает",
    "cannot_be_used": "не работает",
    "no_extensions": "Страниц расширений здесь нет. Что установлено, покажет команда: {command}",
    "well": "Журнал отвечает, все циклы работают.",
    "reads": "Журнал отвечает.",
    "reads_lead": "Эта программа только читает. Работает ли бот, видно в программе, которая его запускает.",
    "unopened": "Магазин ещё не открыт.",
    "unopened_lead": "Он откроется, когда запустится бот, или с первым платежом.",
    "idle": "Остановлен цикл: {names}.",
    "idle_lead": "Оплаченное записывается, а работа такого цикла ждёт. Цикл сам начнёт заново через несколько секунд. "
    "Если нет, перезапустите программу; причина в её логе.",
    "trouble": "Цикл сбоит, но продолжает: {names}.",
    "trouble_lead": "Его работа ждёт, пока он не пройдёт без ошибки. Причина в логе программы.",
    "blind": "Журнал не читается.",
    "blind_lead": "Причина в логе этой программы. Проверить базу данных можно командой: {command}",
    "blind_bot": "Бот продолжает принимать платежи, не видит их только эта страница.",
    "blind_slow": "База данных не ответила за {seconds} с.",
    "blind_refused": "База данных не дала себя прочитать. Причина в логе этой программы.",
    "blind_advice": "Проверить базу данных можно командой:",
    "try_now": "Попробовать сейчас",
    "400": "Браузер прислал запрос, который нельзя понять.",
    "403": "Отсюда это не показывается.",
    "404": "Такой страницы нет.",
    "405": "Так этой страницей пользоваться нельзя.",
    "500": "Страница не получилась.",
    "failed_lead": "Платежи от неё не зависят. Причина в логе программы.",
    "refused_lead": "Начните с магазина, это первая страница в меню.",
    "foreign_name": "Под этим именем страницы не открываются. Откройте их по адресу, например 127.0.0.1, или разрешите имя: "
    "neonpay web --name ИМЯ\n",
    "foreign_page": "Страница другого сайта не может ничего здесь менять.\n",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)
"""Sentences by language and key."""


def sentences(language: str) -> Mapping[str, str]:
    """Those of a language that are about no number."""
    return {key: words for key, words in WORDS[language].items() if isinstance(words, str)}
