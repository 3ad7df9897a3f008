"""The list of commands that a bot shows, and that it seems to be typing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.mtproto.peers import user_of
from neonpay.simulator.mtproto.reading import not_simulated, params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.asked import Asked, Method
    from neonpay.simulator.mtproto.tl import TlObject

_SCOPES: Final = {
    "BotCommandScopeDefault": "default", "BotCommandScopeUsers": "all_private_chats",
    "BotCommandScopeChats": "all_group_chats", "BotCommandScopeChatAdmins": "all_chat_administrators",
}  # fmt: skip
_ACTIONS: Final = {
    "Cancel": "cancel", "ChooseSticker": "choose_sticker", "GeoLocation": "find_location", "RecordAudio": "record_voice",
    "RecordRound": "record_video_note", "RecordVideo": "record_video", "Typing": "typing", "UploadAudio": "upload_voice",
    "UploadDocument": "upload_document", "UploadPhoto": "upload_photo", "UploadRound": "upload_video_note",
    "UploadVideo": "upload_video",
}  # fmt: skip
"""What a bot can seem to be doing, by the names after ``SendMessage`` and before ``Action``.

https://core.telegram.org/schema, and SRV: get_chat_action, both read 2026-11-28.
"""


async def set_bot_commands(asked: Asked) -> TlObject:
    """Show these commands in a scope and a language."""
    commands = [{"command": one.command, "description": one.description} for one in asked.request.commands]
    return await asked.line.carry_out("setMyCommands", params(commands=commands, **_list(asked))) is True


async def reset_bot_commands(asked: Asked) -> TlObject:
    """Show no commands of its own in a scope and a language."""
    return await asked.line.carry_out("deleteMyCommands", params(**_list(asked))) is True


async def get_bot_commands(asked: Asked) -> TlObject:
    """The commands of exactly this scope and language."""
    found = await asked.line.carry_out("getMyCommands", params(**_list(asked)))
    return [asked.line.tl.make("BotCommand", **one) for one in found]


async def set_typing(asked: Asked) -> TlObject:
    """Seem to be doing something in a private chat; shown to nobody."""
    tl, request = asked.line.tl, asked.request
    name = tl.name_of(request.action)
    action = _ACTIONS.get(name.removeprefix("SendMessage").removesuffix("Action"))
    if action is None or getattr(request, "top_msg_id", None):
        raise not_simulated(f"messages.SetTyping with {name if action is None else 'top_msg_id'}")
    chat = user_of(tl, request.peer, asked.me, asked.line.world.accounts)
    return await asked.line.carry_out("sendChatAction", params(chat_id=chat.id, action=action)) is True


def _list(asked: Asked) -> dict[str, object]:
    tl, scope = asked.line.tl, asked.request.scope
    name = tl.name_of(scope)
    said: dict[str, object]
    if name in _SCOPES:
        said = {"type": _SCOPES[name]}
    elif name == "BotCommandScopePeer" and tl.name_of(scope.peer) == "InputPeerUser":
        said = {"type": "chat", "chat_id": user_of(tl, scope.peer, asked.me, asked.line.world.accounts).id}
    else:
        raise not_simulated(f"commands of a group, {name}")  # groups are not told by MTProto here
    return {"scope": said, "language_code": asked.request.lang_code or None}


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "bots.GetBotCommands": get_bot_commands,
        "bots.ResetBotCommands": reset_bot_commands,
        "bots.SetBotCommands": set_bot_commands,
        "messages.SetTyping": set_typing,
    }
)
