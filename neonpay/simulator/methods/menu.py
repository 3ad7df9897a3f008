"""The button beside the input field, and what a bot asks for when it is added to a group."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.groups import COMMON_RIGHTS, rights_in
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import build, build_from, dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside
from neonpay.simulator.wire.urls import checked_link

if TYPE_CHECKING:
    from collections.abc import Mapping

_RIGHTS: Final = rights_in("channel") | rights_in("supergroup") | {"is_anonymous"}


@simulated("For all chats or one; people do not see it.")
def set_chat_menu_button(request: Request) -> Done:
    """Remember the button."""
    button = _button(request)
    request.bot.profile.menu_buttons[_chat(request)] = button
    return Done(True)


@simulated("What was set for the chat, else for all.")
def get_chat_menu_button(request: Request) -> Done:
    """The button."""
    buttons = request.bot.profile.menu_buttons
    default = dict(buttons.get(0, {"type": "commands"}))
    button = buttons.get(_chat(request), default)
    return Done(default if button["type"] == "default" and _chat(request) else button)


@simulated("Remembered; `Buyer.adds` gives a bot its rights, not these.")
def set_my_default_administrator_rights(request: Request) -> Done:
    """Remember which rights the bot asks for."""
    words = "Can't parse ChatAdministratorRights"
    said = request.params.fields(
        "rights", "ChatAdministratorRights", f"{words}: ChatAdministratorRights must be an Object"
    )
    with inside(words):
        given = {} if said is None else {name: said.flag(name) for name in said.as_json if name in _RIGHTS}
    rights: dict[str, object] = {name: given.get(name, False) for name in sorted(COMMON_RIGHTS)} if given else {}
    for_channels = request.params.boolean("for_channels")
    kind_rights = rights_in("channel" if for_channels else "supergroup") - COMMON_RIGHTS
    if given:
        rights |= {name: True for name in sorted(kind_rights) if given.get(name)}
        rights["is_anonymous"] = given.get("is_anonymous", False)
    request.bot.profile.default_rights[for_channels] = rights
    return Done(True)


@simulated("What was set.")
def get_my_default_administrator_rights(request: Request) -> Done:
    """Which rights the bot asks for."""
    none: dict[str, object] = dict.fromkeys((*sorted(COMMON_RIGHTS), "is_anonymous"), False)
    rights = none | request.bot.profile.default_rights.get(request.params.boolean("for_channels"), {})
    return Done(dump(build_from(types.ChatAdministratorRights, rights)))


def _chat(request: Request) -> int:
    if not request.params.has("chat_id"):
        return 0
    user_id = request.params.integer("chat_id")
    if user_id <= 0:
        raise bad_request("invalid chat_id specified")  # SRV: get_user_id
    if user_id not in request.world.accounts.users:
        raise bad_request("user not found")
    return user_id


def _button(request: Request) -> dict[str, object]:
    words = "Can't parse menu button"
    said = request.params.fields("menu_button", "menu button", f"{words}: MenuButton must be an Object")
    if said is None:
        return {"type": "default"}  # SRV
    with inside(words):
        kind = said.required_text("type")
        if kind in {"default", "commands"}:
            return {"type": kind}
        if kind != "web_app":
            raise Unreadable("MenuButton has unsupported type")
        text, url = said.required_text("text"), said.required_inner("web_app").required_text("url")
    if not text:
        raise bad_request("menu button text must be non-empty")  # TDL
    try:
        url = checked_link(url, https_only=True)
    except Unreadable as unreadable:
        raise bad_request(f"menu button Web App {unreadable.reason}") from unreadable  # TDL
    return dump(build(types.MenuButtonWebApp, type="web_app", text=text, web_app={"url": url}))


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getChatMenuButton": get_chat_menu_button,
        "getMyDefaultAdministratorRights": get_my_default_administrator_rights,
        "setChatMenuButton": set_chat_menu_button,
        "setMyDefaultAdministratorRights": set_my_default_administrator_rights,
    }
)
