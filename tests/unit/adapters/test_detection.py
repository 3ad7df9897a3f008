"""A bot's library is known from where its class comes from; nothing is imported to find out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

OF_A_LIBRARY = [
    ("aiogram", "aiogram.client.bot.Bot", ""),
    ("aiogram", "aiogram.dispatcher.dispatcher.Dispatcher", ""),
    ("aiogram", "aiogram.dispatcher.router.Router", ""),
    ("ptb", "telegram._bot.Bot", ""),
    ("ptb", "telegram.ext._application.Application", ""),
    ("ptb", "telegram.ext._applicationbuilder.ApplicationBuilder", ""),
    ("ptb", "telegram.ext._updater.Updater", ""),
    ("telebot", "telebot.TeleBot", ""),
    ("telebot_async", "telebot.async_telebot.AsyncTeleBot", ""),
    ("kurigram", "pyrogram.client.Client", "get_bot_info_description"),
    ("pyrofork", "pyrogram.client.Client", "get_collectible_item_info"),
    ("pyrogram", "pyrogram.client.Client", ""),
    ("hydrogram", "hydrogram.client.Client", ""),
    ("telethon", "telethon.client.telegramclient.TelegramClient", ""),
]
"""Library, class, and a method that it has."""

# Classes with the names of the libraries' own, because those cannot be had without importing them; each of its own, then as the
# base of one from a bot's program. The objects of the real libraries are in tests/integration.
PROGRAM = """
import json, sys
from neonpay.adapters import detect

found = {}
for path, method in json.loads(sys.argv[1]):
    module, _, name = path.rpartition(".")
    theirs = type(name, (), {"__module__": module, **({method: None} if method else {})})
    own = type("ShopBot", (theirs,), {"__module__": "shop.bot"})
    found[path + method] = [detect(theirs()).name, detect(own()).name]
found["token"] = [detect("42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").name]
roots = {"aiogram", "telegram", "telebot", "pyrogram", "hydrogram", "telethon", "aiohttp"}
print(json.dumps({"found": found, "imported": {"libraries": sorted(roots & set(sys.modules))}}))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, list[str]]]:
    """What a new interpreter finds."""
    classes = json.dumps([(path, method) for _, path, method in OF_A_LIBRARY])
    done = subprocess.run([sys.executable, "-c", PROGRAM, classes], capture_output=True, text=True, check=True)
    answer: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(("library", "path", "method"), OF_A_LIBRARY)
def test_an_object_and_one_of_a_subclass_are_known(
    seen: dict[str, dict[str, list[str]]], library: str, path: str, method: str
) -> None:
    assert seen["found"][path + method] == [library, library]


def test_a_text_is_a_token(seen: dict[str, dict[str, list[str]]]) -> None:
    assert seen["found"]["token"] == ["botapi"]


def test_no_library_is_imported_to_look(seen: dict[str, dict[str, list[str]]]) -> None:
    assert seen["imported"] == {"libraries": []}
