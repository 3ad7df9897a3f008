"""What the door says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EN: Final[Mapping[str, str | tuple[str, ...]]] = {
    "title": "Sign in",
    "motto": "Every Star becomes goods, or goes back.",
    "name": "Account",
    "password": "Password",
    "owners_password": "Owner’s password",
    "sign_in": "Sign in",
    "wrong": ("Wrong password. {n} try left in this minute.", "Wrong password. {n} tries left in this minute."),
    "too_often": "Too many tries. Wait a minute, then try again.",
    "send": "Send me a link in Telegram",
    "sent": "The bot has sent the owners a link. It works once, within ten minutes.",
    "not_sent": "The bot could not send a link. Each owner must have started the bot, and the program must know by which "
    "address it is reached; its log says more.",
    "sent_too_often": "Links were asked for too often. Wait ten minutes, or use one that was sent.",
    "closed": "Nobody can sign in here yet. Open the link that the program printed when it started, or set a password there:",
    "forgotten": "Set a password with neonpay dashboard password NAME.",
    "message": "A link to sign in to the dashboard, for you alone:\n{url}\n\nIt works once, within ten minutes. If you did "
    "not ask for it, do nothing.",
    "link_title": "Sign in by a link",
    "link_lead": "The link works once, so a button asks first.",
    "link_go": "Sign in to the dashboard",
    "used_up": "This link was used already, or is older than ten minutes. Ask for a new one.",
    "back": "To the sign-in page",
    "dark_theme": "Dark theme",
}
_RU: Final[Mapping[str, str | tuple[str, ...]]] = {
    "title": "Вход",
    "motto": "Каждая звезда становится товаром или возвращается.",
    "name": "Учётная запись",
    "password": "Пароль",
    "owners_password": "Пароль владельца",
    "sign_in": "Войти",
    "wrong": (
        "Неверный пароль. В эту минуту осталась {n} попытка.",
        "Неверный пароль. В эту минуту осталось {n} попытки.",
        "Неверный пароль. В эту минуту осталось {n} попыток.",
    ),
    "too_often": "Слишком много попыток. Подождите минуту и попробуйте снова.",
    "send": "Прислать ссылку в Telegram",
    "sent": "Бот прислал владельцам ссылку. Она сработает один раз в течение десяти минут.",
    "not_sent": "Бот не смог прислать ссылку. Каждый владелец должен был запустить бота, а программа должна знать адрес, по "
    "которому её открывают; подробности в её логе.",
    "sent_too_often": "Ссылки запрашивали слишком часто. Подождите десять минут или откройте присланную.",
    "closed": "Войти сюда пока не может никто. Откройте ссылку, которую программа напечатала при запуске, или задайте пароль:",
    "forgotten": "Задать пароль: neonpay dashboard password ИМЯ.",
    "message": "Ссылка для входа в панель, только для вас:\n{url}\n\nОна сработает один раз в течение десяти минут. Если вы "
    "её не запрашивали, ничего не делайте.",
    "link_title": "Вход по ссылке",
    "link_lead": "Ссылка срабатывает один раз, поэтому сначала нужно нажать кнопку.",
    "link_go": "Войти в панель",
    "used_up": "Эта ссылка уже использована или старше десяти минут. Запросите новую.",
    "back": "На страницу входа",
    "dark_theme": "Тёмная тема",
}
WORDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = MappingProxyType(
    {"en": MappingProxyType(_EN), "ru": MappingProxyType(_RU)}
)
"""Sentences by language and key."""
