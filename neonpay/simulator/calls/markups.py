"""reply_markup as the server in front of Telegram reads it (SRV: get_reply_markup).

It looks at types and names alone. What Telegram says of texts, addresses and places comes later: ``calls/keyboards.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.refusal import Unreadable, inside, not_simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.wire.params import Params

    Button = dict[str, object]

_UNSIMULATED_ACTIONS: Final = ("callback_game", "disabled")
_STYLES: Final = frozenset({"primary", "danger", "success"})
_QUERY_TO: Final = ("allow_user_chats", "allow_bot_chats", "allow_group_chats", "allow_channel_chats")
_KEYBOARD_FLAGS: Final = ("resize_keyboard", "one_time_keyboard", "is_persistent")


@dataclass(frozen=True, slots=True)
class Markup:
    """What a call wants under its message, or instead of the person's keyboard; at most one of them.

    Attributes:
        inline: rows of an inline keyboard.
        keyboard: rows of a keyboard.
        options: what goes with the keyboard, or ``remove_keyboard`` or ``force_reply``.
    """

    inline: list[list[Button]]
    keyboard: list[list[Button]]
    options: dict[str, object]

    @property
    def is_empty(self) -> bool:
        """Whether the call wants nothing: also what is none of the four kinds, which is no error."""
        return not (self.inline or self.keyboard or self.options)


def read_markup(params: Params) -> Markup:
    """The markup of a call.

    Raises:
        Refusal: it cannot be read.
    """
    said = params.fields("reply_markup", "reply keyboard markup", "Object expected as reply markup")
    if said is None:
        return Markup([], [], {})
    keyboard = _rows(said, "keyboard", "keyboard button", _reply_button)
    inline = _rows(said, "inline_keyboard", "inline keyboard button", _inline_button)
    removes = [said.flag(name) for name in ("hide_keyboard", "remove_keyboard")]
    personal = [said.flag(name) for name in ("personal_keyboard", "selective")]
    asks = [said.flag(name) for name in ("force_reply_keyboard", "force_reply")]
    placeholder = said.text("input_field_placeholder")
    options: dict[str, object] = {}
    if keyboard:
        inline, options = [], {name: True for name in _KEYBOARD_FLAGS if said.flag(name)}
    elif inline:
        return Markup(inline, [], {})
    elif any(removes):
        return Markup([], [], {"remove_keyboard": True})
    elif any(asks):
        options = {"force_reply": True}
    else:
        return Markup([], [], {})
    options |= {"selective": True} if any(personal) else {}
    options |= {"input_field_placeholder": placeholder} if placeholder else {}
    return Markup(inline, keyboard, options)


def _rows(said: Fields, name: str, what: str, read: Callable[[object], Button]) -> list[list[Button]]:
    rows: list[list[Button]] = []
    for row in said.array(name) or ():
        if not isinstance(row, list):
            of = " of the InlineKeyboardMarkup" if name == "inline_keyboard" else ""
            raise Unreadable(f'Field "{name}"{of} must be an Array of Arrays')
        with inside(f"Can't parse {what}"):
            rows.append([read(button) for button in row])
    return rows


def _reply_button(button: object) -> Button:
    if isinstance(button, str):
        return {"text": button}
    said = Fields(button, "KeyboardButton must be a String or an Object")
    return _face(said) | _wish(said)


def _inline_button(button: object) -> Button:
    said = Fields(button, "InlineKeyboardButton must be an Object")
    return _face(said) | _action(said)


def _face(said: Fields) -> Button:
    face: Button = {"text": said.required_text("text")}
    if icon := said.whole("icon_custom_emoji_id", bits=64):
        face["icon_custom_emoji_id"] = str(icon)
    style = said.text("style").lower()
    if style in _STYLES:
        face["style"] = style
    elif style not in {"", "default"}:
        raise Unreadable("invalid button style specified")
    return face


def _action(said: Fields) -> Button:
    for name in ("url", "callback_data"):
        if text := said.text(name):
            return {name: text}
    if unsimulated := next((name for name in _UNSIMULATED_ACTIONS if said.any(name) is not None), None):
        raise not_simulated(f"inline button with {unsimulated}")
    if "pay" in said:
        return {"pay": True}  # whatever it holds
    if "switch_inline_query" in said:
        return {"switch_inline_query": said.required_text("switch_inline_query")}
    if (chosen := said.inner("switch_inline_query_chosen_chat")) is not None:
        query = chosen.text("query")
        to = {name: chosen.flag(name) for name in _QUERY_TO}
        return {"switch_inline_query": query} if all(to.values()) else _chosen_chat(query, to)
    if "switch_inline_query_current_chat" in said:
        return {"switch_inline_query_current_chat": said.required_text("switch_inline_query_current_chat")}
    if (login := said.inner("login_url")) is not None:
        return {"login_url": {"url": login.required_text("url")}}
    if (web_app := said.inner("web_app")) is not None:
        return {"web_app": {"url": web_app.required_text("url")}}
    if (copied := said.inner("copy_text")) is not None:
        return {"copy_text": {"text": copied.required_text("text")}}
    raise Unreadable("Text buttons are unallowed in the inline keyboard")


def _chosen_chat(query: str, to: Mapping[str, bool]) -> Button:
    return {"switch_inline_query_chosen_chat": {"query": query, **to}}


def _wish(said: Fields) -> Button:
    contact = [said.flag(name) for name in ("request_phone_number", "request_contact")]
    if any(contact):
        return {"request_contact": True}
    if said.flag("request_location"):
        return {"request_location": True}
    if (poll := said.inner("request_poll")) is not None:
        kind = poll.text("type")
        return {"request_poll": {"type": kind} if kind in {"quiz", "regular"} else {}}
    if (web_app := said.inner("web_app")) is not None:
        return {"web_app": {"url": web_app.required_text("url")}}
    for name in ("request_users", "request_user", "request_chat"):
        if (asked := said.inner(name)) is not None:
            asked.required_whole("request_id")
            return {"request_users" if name == "request_user" else name: asked.as_json}
    if said.any("request_managed_bot") is not None:
        raise not_simulated("keyboard button with request_managed_bot")
    return {}
