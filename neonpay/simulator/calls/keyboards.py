"""reply_markup: the buttons under a message, checked as Telegram checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiogram import types
from pydantic import BaseModel, ValidationError

from neonpay.core.limits import CALLBACK_DATA_MAX_BYTES
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.wire.objects import build_from, dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.book import Place
    from neonpay.simulator.wire.params import Params

BUTTONS_MAX: Final = 100
"""Most buttons of one keyboard; above it Telegram says the markup is too long (ERR, REPLY_MARKUP_TOO_LONG)."""
_TEXT_ACTIONS: Final = ("url", "callback_data", "switch_inline_query", "switch_inline_query_current_chat")
_OBJECT_ACTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "web_app": types.WebAppInfo,
    "login_url": types.LoginUrl,
    "switch_inline_query_chosen_chat": types.SwitchInlineQueryChosenChat,
    "copy_text": types.CopyTextButton,
}
_UNSIMULATED_ACTIONS: Final = ("callback_game", "disabled")
COPY_TEXT_MAX_CHARS: Final = 256
"""Longest text that a button copies (API, CopyTextButton)."""
_LOOKS: Final = ("style", "icon_custom_emoji_id")
_REQUESTS: Final = {
    "request_users": types.KeyboardButtonRequestUsers,
    "request_chat": types.KeyboardButtonRequestChat,
    "request_poll": types.KeyboardButtonPollType,
    "web_app": types.WebAppInfo,
}


def inline_keyboard(params: Params, *, for_invoice: bool = False) -> dict[str, object] | None:
    """The inline keyboard of a call, as JSON; None when there is none.

    Raises:
        Refusal: it is not a keyboard, or not one that this message may have.
    """
    markup = _markup(params)
    if markup is None:
        return None
    if "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")  # SRV
    return _inline(markup, for_invoice=for_invoice)


def any_markup(params: Params) -> tuple[dict[str, object] | None, dict[str, object] | None]:
    """Both kinds of markup of a call, as JSON: the inline keyboard, and what changes the person's own keyboard.

    Raises:
        Refusal: it is none of the four kinds.
    """
    markup = _markup(params)
    if markup is None:
        return None, None
    if "inline_keyboard" in markup:
        return _inline(markup, for_invoice=False), None
    if "keyboard" in markup:
        return None, _reply_keyboard(markup)
    if markup.get("remove_keyboard") is True:
        return None, {"remove_keyboard": True}
    if markup.get("force_reply") is True:
        return None, {"force_reply": True}
    if markup:
        raise bad_request("object expected as reply markup")
    return None, None


def _markup(params: Params) -> Mapping[str, object] | None:
    decoded = params.json("reply_markup", "reply keyboard markup")
    if decoded is None and not params.values.get("reply_markup"):
        return None
    if not isinstance(decoded, dict):
        raise bad_request("object expected as reply markup")  # SRV; this is also what null gets
    return decoded


def _rows(markup: Mapping[str, object], field: str) -> list[list[object]]:
    rows = markup[field]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request(f'field "{field}" of the {_KEYBOARD_WORDS[field]} must be an Array of Arrays')
    if sum(len(row) for row in rows) > BUTTONS_MAX:
        raise bad_request("reply markup is too long")
    return [row for row in rows if row]


_KEYBOARD_WORDS: Final = {"inline_keyboard": "InlineKeyboardMarkup", "keyboard": "ReplyKeyboardMarkup"}


def _inline(markup: Mapping[str, object], *, for_invoice: bool) -> dict[str, object] | None:
    rows = [
        [
            _inline_button(button, first=(row, column) == (0, 0), for_invoice=for_invoice)
            for column, button in enumerate(line)
        ]
        for row, line in enumerate(_rows(markup, "inline_keyboard"))
    ]
    if not rows:
        return None
    if for_invoice and "pay" not in rows[0][0]:
        # API, sendInvoice: "the first button must be a Pay button". UNVERIFIED word, from the list of MTProto errors.
        raise bad_request("REPLY_MARKUP_BUY_EMPTY")
    return {"inline_keyboard": rows}


def _inline_button(button: object, *, first: bool, for_invoice: bool) -> dict[str, object]:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
    if action := next((name for name in _UNSIMULATED_ACTIONS if button.get(name) is not None), None):
        raise not_simulated(f"inline button with {action}")
    given = [name for name in (*_TEXT_ACTIONS, *_OBJECT_ACTIONS, "pay") if button.get(name) not in (None, False)]
    if not given:
        raise bad_request(
            "can't parse inline keyboard button: text buttons are unallowed in the inline keyboard"
        )  # SRV
    action = given[0]
    looks = {name: button[name] for name in _LOOKS if isinstance(button.get(name), str)}
    return _checked(
        types.InlineKeyboardButton,
        {"text": text, action: _action(action, button[action], first=first, for_invoice=for_invoice)} | looks,
    )


def _action(action: str, value: object, *, first: bool, for_invoice: bool) -> object:
    if action == "pay":
        if not for_invoice or not first:
            raise bad_request(
                "BUTTON_TYPE_INVALID"
            )  # API, InlineKeyboardButton.pay: only first, only on invoices. UNVERIFIED
        return True
    if action in _OBJECT_ACTIONS:
        return _object(action, value)
    if not isinstance(value, str):
        raise bad_request(f'can\'t parse inline keyboard button: field "{action}" must be of type String')
    if action == "callback_data" and not 1 <= len(value.encode("utf-8", "replace")) <= CALLBACK_DATA_MAX_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")  # ERR
    return _button_url(value) if action == "url" else value


def _object(action: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise bad_request(f'can\'t parse inline keyboard button: field "{action}" must be of type Object')
    try:
        checked = dump(build_from(_OBJECT_ACTIONS[action], value))
    except ValidationError as error:
        raise bad_request(f"can't parse inline keyboard button: wrong {action}") from error
    if action == "copy_text" and not 1 <= len(str(checked["text"])) <= COPY_TEXT_MAX_CHARS:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")  # API has the bound. UNVERIFIED word
    if "url" in checked and not str(checked["url"]).lower().startswith("https://"):
        # TDL; an address of this machine would not do for Telegram either
        raise bad_request(f"inline keyboard button URL '{checked['url']}' is invalid: only HTTPS links are allowed")
    return checked


def _button_url(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: URL host is empty") from error
    if parts.scheme not in {"http", "https", "tg", "ton"}:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: unsupported URL protocol")
    if not parts.netloc:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: URL host is empty")
    if parts.scheme in {"http", "https"} and "." not in (parts.hostname or "") and parts.hostname != "localhost":
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: wrong HTTP URL")
    return url


def _reply_keyboard(markup: Mapping[str, object]) -> dict[str, object]:
    rows = [[_reply_button(button) for button in row] for row in _rows(markup, "keyboard")]
    if not rows:
        raise bad_request("reply keyboard is empty")
    flags = ("resize_keyboard", "one_time_keyboard", "is_persistent", "selective")
    kept: dict[str, object] = {"keyboard": rows} | {name: True for name in flags if markup.get(name) is True}
    placeholder = markup.get("input_field_placeholder")
    return kept | ({"input_field_placeholder": placeholder} if isinstance(placeholder, str) else {})


def _reply_button(button: object) -> dict[str, object]:
    fields = {"text": button} if isinstance(button, str) else button
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str) or not fields["text"].strip():
        raise bad_request("can't parse keyboard button: KeyboardButton must be a String or an Object with text")
    if fields.get("request_managed_bot"):
        raise not_simulated("keyboard button with request_managed_bot")
    kept: dict[str, object] = {"text": fields["text"]}
    kept |= {name: True for name in ("request_contact", "request_location") if fields.get(name) is True}
    kept |= {name: fields[name] for name in _REQUESTS if isinstance(fields.get(name), dict)}
    if len(kept) > 2:  # noqa: PLR2004 - the text and one wish (API, KeyboardButton)
        raise bad_request("can't parse keyboard button: at most one optional field can be used")  # UNVERIFIED words
    kept |= {name: fields[name] for name in _LOOKS if isinstance(fields.get(name), str)}
    return _checked(types.KeyboardButton, kept)


def check_place(place: Place, keyboard: object, own_keyboard: Mapping[str, object] | None) -> None:
    """Refuse buttons that only private chats may have in any other.

    Raises:
        Refusal: API, InlineKeyboardButton.web_app and KeyboardButton.
    """
    if not isinstance(place, Seat):
        return
    if isinstance(keyboard, dict) and any("web_app" in button for row in keyboard["inline_keyboard"] for button in row):
        raise bad_request("BUTTON_TYPE_INVALID")  # ERR
    rows = [] if own_keyboard is None else own_keyboard.get("keyboard", [])
    assert isinstance(rows, list), "a checked keyboard has rows"
    if any(len(button.keys() - {"text", *_LOOKS}) for row in rows for button in row):
        raise bad_request("BUTTON_TYPE_INVALID")  # UNVERIFIED word


def _checked(
    model: type[types.InlineKeyboardButton | types.KeyboardButton], fields: dict[str, object]
) -> dict[str, object]:
    try:
        return dump(build_from(model, fields))
    except ValidationError as error:
        raise bad_request("can't parse keyboard button") from error
