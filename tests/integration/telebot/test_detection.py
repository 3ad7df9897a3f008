"""Which objects of the library ``create_neonpay`` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from telebot import TeleBot
from telebot.async_telebot import AsyncTeleBot

from neonpay import AdapterError, create_neonpay
from neonpay.adapters import detect
from tests.integration.conftest import bot_of

if TYPE_CHECKING:
    from neonpay.simulator import Simulator

TOKEN = "42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class OwnBot(TeleBot):
    """A subclass, as frameworks on top of the library make them."""


class OwnAsyncBot(AsyncTeleBot):
    """The same."""


@pytest.mark.parametrize(
    ("bot", "name"),
    [
        (OwnBot(TOKEN, threaded=False), "telebot"),
        (TeleBot(TOKEN, threaded=False), "telebot"),
        (OwnAsyncBot(TOKEN), "telebot_async"),
        (AsyncTeleBot(TOKEN), "telebot_async"),
    ],
)
def test_both_classes_of_bots_are_recognised_subclasses_included(bot: object, name: str) -> None:
    assert (detect(bot).name, detect(bot).extra) == (name, "telebot")


@pytest.mark.parametrize("name", ["telebot", "telebot_async"])
async def test_a_bot_of_another_library_is_refused_with_the_line_to_write(telegram: Simulator, name: str) -> None:
    bot = bot_of(telegram, telegram.bot("shop_bot"))

    with pytest.raises(AdapterError, match=r"create_neonpay\(bot\)"):
        create_neonpay(bot, adapter_type=name)
