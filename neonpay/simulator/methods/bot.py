"""What a bot asks about itself and its files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.objects import build, dump
from neonpay.simulator.refusal import bad_request
from neonpay.simulator.requests import Done, Method, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.params import Params

COMMANDS_MAX: Final = 100
"""Most commands in one list (https://core.telegram.org/bots/api#setmycommands, read 2026-11-20)."""
_COMMAND_MAX_CHARS: Final = 32
_COMMAND_DESCRIPTION_MAX_CHARS: Final = 256
_COMMAND_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def get_me(request: Request) -> Done:
    """The bot itself."""
    flags = dict.fromkeys(
        ("can_read_all_group_messages", "supports_inline_queries", "can_connect_to_business", "has_main_web_app"), False
    )
    return Done(dump(build(types.User, **request.bot.as_user, can_join_groups=True, **flags)))


def set_my_commands(request: Request) -> Done:
    """Remember the bot's commands for one scope and language."""
    params = request.params
    given = params.json("commands", "commands")
    if not isinstance(given, list):
        raise bad_request("expected an Array of bot commands")
    if len(given) > COMMANDS_MAX:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    request.bot.profile.commands[_list_name(params)] = [_command(item) for item in given]
    return Done(True)


def get_my_commands(request: Request) -> Done:
    """The commands set for exactly this scope and language."""
    return Done([dump(command) for command in request.bot.profile.commands.get(_list_name(request.params), [])])


def delete_my_commands(request: Request) -> Done:
    """Forget them."""
    request.bot.profile.commands.pop(_list_name(request.params), None)
    return Done(True)


def get_file(request: Request) -> Done:
    """Where a file can be downloaded."""
    file_id = request.params.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    file = request.world.files.find(file_id)
    if file is None or file.content is None:
        raise bad_request("invalid file_id")
    return Done(
        dump(
            build(
                types.File,
                file_id=file.file_id,
                file_unique_id=file.unique_id,
                file_size=len(file.content),
                file_path=file.path,
            )
        )
    )


def _list_name(params: Params) -> tuple[str, str]:
    scope = params.json("scope", "BotCommandScope")
    if scope is None:
        kind = "default"
    elif isinstance(scope, dict) and isinstance(scope.get("type"), str):
        kind = ":".join(str(scope[name]) for name in ("type", "chat_id", "user_id") if name in scope)
    else:
        raise bad_request("can't parse BotCommandScope: object expected")
    return kind, params.text("language_code")


def _command(item: object) -> types.BotCommand:
    if not isinstance(item, dict):
        raise bad_request("can't parse BotCommand: object expected")
    name, description = item.get("command"), item.get("description")
    if not isinstance(name, str) or not isinstance(description, str):
        raise bad_request("can't parse BotCommand: command and description must be of type String")
    name = name.removeprefix("/").lower()
    if not 1 <= len(name) <= _COMMAND_MAX_CHARS or not _COMMAND_LETTERS.issuperset(name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= _COMMAND_DESCRIPTION_MAX_CHARS:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return build(types.BotCommand, command=name, description=description)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "deleteMyCommands": delete_my_commands,
        "getFile": get_file,
        "getMe": get_me,
        "getMyCommands": get_my_commands,
        "setMyCommands": set_my_commands,
    }
)
