"""What bots say of themselves when they start."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BotCommand, BotCommandScopeChat, MenuButtonCommands, MenuButtonWebApp, WebAppInfo

from neonpay.errors import SimulatorError


async def test_names_and_descriptions_by_language(bot):
    assert (await bot.get_my_name()).name == "shop_bot"
    await bot.set_my_name("Shop")
    await bot.set_my_description("Books")
    await bot.set_my_description("Bücher", language_code="de")
    await bot.set_my_short_description("b")
    assert (await bot.get_my_name(language_code="fr")).name == "Shop"
    assert (await bot.get_my_description(language_code="de")).description == "Bücher"
    assert (await bot.get_my_description(language_code="fr")).description == "Books"
    assert (await bot.get_my_short_description()).short_description == "b"
    await bot.set_my_description("", language_code="de")
    assert (await bot.get_my_description(language_code="de")).description == "Books"
    with pytest.raises(TelegramBadRequest):
        await bot.set_my_name("x" * 65)


async def test_commands_have_scopes(bot, ann, wire):
    scope = BotCommandScopeChat(chat_id=ann.id)
    await bot.set_my_commands([BotCommand(command="buy", description="Buy")], scope=scope)
    assert [one.command for one in await bot.get_my_commands(scope=scope)] == ["buy"]
    assert await bot.get_my_commands() == []
    for wrong in ({"type": "dream"}, {"type": "chat"}, [], "nonsense"):
        assert (await wire("getMyCommands", scope=wrong)).status == 400


async def test_the_menu_button_is_remembered(bot, ann):
    app = MenuButtonWebApp(text="Shop", web_app=WebAppInfo(url="https://example.com"))
    await bot.set_chat_menu_button(chat_id=ann.id, menu_button=app)
    assert (await bot.get_chat_menu_button(chat_id=ann.id)).web_app.url == "https://example.com/"
    assert isinstance(await bot.get_chat_menu_button(), MenuButtonCommands)


async def test_what_libraries_ask_at_their_start_and_end(bot):
    me = await bot.get_me()
    assert (me.is_bot, me.supports_inline_queries, me.can_join_groups) == (True, True, True)
    assert await bot.delete_webhook(drop_pending_updates=True) is True
    assert (await bot.get_webhook_info()).url == ""
    assert await bot.log_out() is True
    assert await bot.close() is True


async def test_people_see_the_name_that_a_bot_has_set(telegram, shop, bot, ann):
    await bot.set_my_name("Coffee")
    message = await bot.send_message(ann.id, "Hello")
    assert (message.from_user.first_name, (await bot.get_me()).first_name) == ("Coffee", "Coffee")
    await bot.set_my_name("Kaffee", language_code="de")
    assert shop.name == "Coffee"
    await bot.set_my_name("")
    assert (await bot.get_me()).first_name == "shop_bot"


async def test_a_bot_is_made_with_a_name(telegram):
    assert telegram.bot("books_bot", name="Books").as_user["first_name"] == "Books"
    with pytest.raises(SimulatorError, match="another name"):
        telegram.bot("books_bot", name="Other")
    with pytest.raises(SimulatorError, match="1 to 64 characters"):
        telegram.bot("more_bot", name=" ")
