"""An object of another library beside the bot is refused: with it, somebody expects sales that nobody makes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import Bot, Dispatcher

from neonpay import AdapterError, create_neonpay

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
API = {"api_id": 1, "api_hash": "0123456789abcdef"}

BOTS: dict[str, tuple[Callable[[], object], str]] = {
    "a token": (lambda: TOKEN, r"create_neonpay\(TOKEN\)"),
    "TeleBot": (lambda: _made("telebot", "TeleBot", TOKEN, threaded=False), r"create_neonpay\(bot\)"),
    "AsyncTeleBot": (lambda: _made("telebot.async_telebot", "AsyncTeleBot", TOKEN), r"create_neonpay\(bot\)"),
    "kurigram": (lambda: _made("pyrogram", "Client", "b", bot_token=TOKEN, **API), r"create_neonpay\(client\)"),
    "hydrogram": (lambda: _made("hydrogram", "Client", "b", bot_token=TOKEN, **API), r"create_neonpay\(client\)"),
    "Telethon": (
        lambda: _made("telethon", "TelegramClient", None, **API),
        r"create_neonpay\(client, bot_token=TOKEN\)",
    ),
}


def _made(module: str, name: str, *arguments: Any, **options: Any) -> object:
    made: object = getattr(import_module(module), name)(*arguments, **options)
    return made


@pytest.mark.parametrize("argument", ["dispatcher", "application"])
@pytest.mark.parametrize("library", BOTS)
async def test_a_library_without_them_takes_no_dispatcher_and_no_application(library: str, argument: str) -> None:
    make, line = BOTS[library]
    beside: dict[str, Any] = {argument: Dispatcher()}
    with pytest.raises(AdapterError, match=rf"{argument} is given, a Dispatcher, .*{line}"):
        create_neonpay(make(), **beside)


async def test_aiogram_takes_no_application() -> None:
    with pytest.raises(AdapterError, match=r"application is given, a str, .*create_neonpay\(bot, dispatcher=dp\)"):
        create_neonpay(Bot(TOKEN), dispatcher=Dispatcher(), application="application")
