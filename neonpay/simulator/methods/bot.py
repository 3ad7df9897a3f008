"""What a bot asks and says about itself."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.accounts import NAME_MAX_CHARS
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.wire.params import Params

COMMANDS_MAX: Final = 100
"""Most commands in one list (https://core.telegram.org/bots/api#setmycommands, read 2026-11-20)."""
DESCRIPTION_MAX_CHARS: Final = 512
"""Longest description (API, setMyDescription)."""
SHORT_DESCRIPTION_MAX_CHARS: Final = 120
"""Longest short description (API, setMyShortDescription)."""
_COMMAND_MAX_CHARS: Final = 32
_COMMAND_DESCRIPTION_MAX_CHARS: Final = 256
_COMMAND_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_SCOPES: Final = frozenset({"default", "all_private_chats", "all_group_chats", "all_chat_administrators"})
_CHAT_SCOPES: Final = frozenset({"chat", "chat_administrators", "chat_member"})


@simulated(
    "`can_read_all_group_messages` as `BotAccount.reads_all_group_messages` says; inline and business mode are always on."
)
def get_me(request: Request) -> Done:
    """The bot itself."""
    flags: dict[str, object] = {
        "can_join_groups": True,
        "can_read_all_group_messages": request.bot.reads_all_group_messages,
        "supports_inline_queries": True,
        "supports_guest_queries": False,
        "can_connect_to_business": True,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
        "supports_join_request_queries": False,
    }
    return Done(dump(build(types.User, **request.bot.as_user, **flags)))


@simulated("Answers as Telegram does and changes nothing: the bot can go on.")
def log_out(request: Request) -> Done:
    """Leave the cloud server for one of one's own, which here is the same."""
    return Done(True)


@simulated("Answers as Telegram does and changes nothing: the bot can go on.")
def close(request: Request) -> Done:
    """End this session before moving to another server."""
    return Done(True)


@simulated("Each scope and language has its list. Scopes of a chat are not checked for the bot's presence.")
def set_my_commands(request: Request) -> Done:
    """Remember the bot's commands for one scope and language."""
    params = request.params
    given = params.array("commands", "commands", "Expected an Array of BotCommand") or []
    with inside("Can't parse BotCommand"):
        texts = [(said.required_text("command"), said.required_text("description")) for said in map(Fields, given)]
    name = _list_name(params)
    if len(given) > COMMANDS_MAX:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    request.bot.profile.commands[name] = [_command(command, description) for command, description in texts]
    return Done(True)


@simulated("Exactly what was set for this scope and language.")
def get_my_commands(request: Request) -> Done:
    """The commands set for exactly this scope and language."""
    return Done([dump(command) for command in request.bot.profile.commands.get(_list_name(request.params), [])])


@simulated("As the Bot API has it.")
def delete_my_commands(request: Request) -> Done:
    """Forget them."""
    request.bot.profile.commands.pop(_list_name(request.params), None)
    return Done(True)


@simulated("By language. People see the one for all languages.")
def set_my_name(request: Request) -> Done:
    """Remember the bot's name."""
    return _set_text(request, request.bot.profile.names, "name", NAME_MAX_CHARS, "BOT_TITLE_INVALID")


@simulated("The one for this language, else the one for all, else the name that the bot was made with.")
def get_my_name(request: Request) -> Done:
    """The bot's name."""
    name = _text(request, request.bot.profile.names) or request.bot.first_name
    return Done(dump(build(types.BotName, name=name)))


@simulated("By language.")
def set_my_description(request: Request) -> Done:
    """Remember what an empty chat with the bot shows."""
    texts = request.bot.profile.descriptions
    return _set_text(request, texts, "description", DESCRIPTION_MAX_CHARS, "DESCRIPTION_INVALID")


@simulated("The one for this language, else the one for all.")
def get_my_description(request: Request) -> Done:
    """What an empty chat with the bot shows."""
    description = _text(request, request.bot.profile.descriptions)
    return Done(dump(build(types.BotDescription, description=description)))


@simulated("By language.")
def set_my_short_description(request: Request) -> Done:
    """Remember what the bot's profile shows."""
    texts = request.bot.profile.short_descriptions
    return _set_text(request, texts, "short_description", SHORT_DESCRIPTION_MAX_CHARS, "ABOUT_TOO_LONG")


@simulated("The one for this language, else the one for all.")
def get_my_short_description(request: Request) -> Done:
    """What the bot's profile shows."""
    description = _text(request, request.bot.profile.short_descriptions)
    return Done(dump(build(types.BotShortDescription, short_description=description)))


def _set_text(request: Request, texts: dict[str, str], name: str, most: int, refusal: str) -> Done:
    text, language = request.params.text(name), _language(request.params)
    if len(text) > most:
        raise bad_request(refusal)  # UNVERIFIED word
    if text:
        texts[language] = text
    else:
        texts.pop(language, None)  # API: an empty one removes it
    return Done(True)


def _text(request: Request, texts: Mapping[str, str]) -> str:
    return texts.get(_language(request.params)) or texts.get("", "")


def _language(params: Params) -> str:
    code = params.text("language_code")
    if code and _LANGUAGE.fullmatch(code) is None:
        raise bad_request("invalid language code specified")  # TDL
    return code


def _list_name(params: Params) -> tuple[str, str]:
    words = "Can't parse BotCommandScope"
    said = params.fields("scope", "BotCommandScope", f"{words}: BotCommandScope must be an Object")
    if said is None:
        return "default", _language(params)
    with inside(words):
        scope = _scope(said)
    return scope, _language(params)


def _scope(said: Fields) -> str:
    kind = said.required_text("type")
    if kind in _SCOPES:
        return kind
    if kind not in _CHAT_SCOPES:
        raise Unreadable("Unsupported type specified")
    chat_id = said.required_text("chat_id")
    if not chat_id:
        raise Unreadable("Empty chat_id specified")
    if kind != "chat_member":
        return f"{kind}:{chat_id}"
    user_id = said.required_whole("user_id", bits=64)
    if user_id <= 0:
        raise Unreadable("Invalid user_id specified")
    return f"{kind}:{chat_id}:{user_id}"


def _command(name: str, description: str) -> types.BotCommand:
    name, description = name.strip().removeprefix("/"), description.strip()
    for what, text, most in (
        ("command", name, _COMMAND_MAX_CHARS),
        ("command description", description, _COMMAND_DESCRIPTION_MAX_CHARS),
    ):
        if not text:
            raise bad_request(f"{what} must be non-empty")  # TDL
        if len(text) > most:
            raise bad_request(f"{what} length must not exceed {most}")  # TDL
    if not _COMMAND_LETTERS.issuperset(name):
        raise bad_request("BOT_COMMAND_INVALID")  # ERR
    return build(types.BotCommand, command=name, description=description)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "close": close,
        "deleteMyCommands": delete_my_commands,
        "getMe": get_me,
        "getMyCommands": get_my_commands,
        "getMyDescription": get_my_description,
        "getMyName": get_my_name,
        "getMyShortDescription": get_my_short_description,
        "logOut": log_out,
        "setMyCommands": set_my_commands,
        "setMyDescription": set_my_description,
        "setMyName": set_my_name,
        "setMyShortDescription": set_my_short_description,
    }
)
