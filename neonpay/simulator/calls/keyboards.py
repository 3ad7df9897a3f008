"""The buttons under a message, checked as Telegram checks them once it knows where they go (TDL, ReplyMarkup)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiogram import types
from pydantic import ValidationError

from neonpay.core.limits import CALLBACK_DATA_MAX_BYTES
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.wire.objects import build_from, dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request
from neonpay.simulator.wire.urls import checked_link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.calls.markups import Button, Markup
    from neonpay.simulator.chats.book import Place

BUTTONS_MAX: Final = 100
"""Most buttons of one keyboard; above it Telegram says the markup is too long (ERR, REPLY_MARKUP_TOO_LONG)."""
ROW_MAX: Final = 12
"""Most buttons of one row; more are left out without a word (TDL)."""
COPY_TEXT_MAX_CHARS: Final = 256
"""Longest text that a button copies (API, CopyTextButton)."""
_LOOKS: Final = ("style", "icon_custom_emoji_id")
_PRIVATE_ONLY: Final = {
    "request_contact": "Phone number can be requested in private chats only",
    "request_location": "Location can be requested in private chats only",
    "request_poll": "Poll can be requested in private chats only",
    "web_app": "Web App buttons can be used in private chats only",
    "request_users": "Users can be requested in private chats only",
    "request_chat": "Chats can be requested in private chats only",
}


def inline_keyboard(
    markup: Markup, place: Place | None = None, *, for_invoice: bool = False
) -> dict[str, object] | None:
    """The inline keyboard of a call, as JSON; None when there is none.

    Args:
        markup: what came.
        place: where it goes; None when it goes wherever somebody takes it, as with inline messages.
        for_invoice: whether it stands under an invoice.

    Raises:
        Refusal: it is not a keyboard, or not one that this message may have.
    """
    if not markup.inline:
        if not markup.is_empty:
            raise bad_request("inline keyboard expected")
        return None
    rows = _rows(markup.inline, lambda button: _inline_button(button, place))
    if not rows:
        return None
    _check_pay(rows, for_invoice=for_invoice)
    return {"inline_keyboard": rows}


def any_markup(markup: Markup, place: Place) -> tuple[dict[str, object] | None, dict[str, object] | None]:
    """Both kinds of markup of a call, as JSON: the inline keyboard, and what changes the person's own keyboard.

    Raises:
        Refusal: this message may not have it.
    """
    if markup.inline:
        return inline_keyboard(markup, place), None
    if not markup.keyboard:
        return None, markup.options or None
    rows = _rows(markup.keyboard, lambda button: _reply_button(button, place))
    return None, {"keyboard": rows, **markup.options} if rows else None


def _rows(given: list[list[Button]], check: Callable[[Button], Button]) -> list[list[Button]]:
    # What has neither text nor icon is left out (TDL).
    shown = [
        [check(button) for button in row if button["text"] or "icon_custom_emoji_id" in button][:ROW_MAX]
        for row in given
    ]
    if sum(len(row) for row in shown) > BUTTONS_MAX:
        raise bad_request("reply markup is too long")
    return [row for row in shown if row]


def _inline_button(button: Button, place: Place | None) -> Button:
    if not button["text"]:
        raise bad_request("inline keyboard button text must be non-empty")
    checked = {
        name: _action(name, value, place) if name not in {"text", *_LOOKS} else value for name, value in button.items()
    }
    if "login_url" in checked:
        checked["url"] = checked.pop("login_url")  # SRV tells it so
    return _built(types.InlineKeyboardButton, checked)


def _action(name: str, value: object, place: Place | None) -> object:
    if name == "url":
        return _link(str(value), "Inline keyboard button")
    if name == "callback_data" and len(str(value).encode("utf-8", "replace")) > CALLBACK_DATA_MAX_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")  # ERR
    if name == "switch_inline_query_chosen_chat" and isinstance(value, dict) and True not in value.values():
        raise bad_request("At least one chat type must be allowed")
    if name.startswith("switch_inline") and isinstance(place, Seat) and place.group.kind == "channel":
        kind = "switch_inline_query_current_chat" if name.endswith("current_chat") else "switch_inline_query"
        raise bad_request(
            f"can't use {kind} button in a channel chat, because users will not be able to use the button without knowing "
            "bot's username"
        )
    return _object(name, value, place) if isinstance(value, dict) else value


def _object(name: str, value: Mapping[str, object], place: Place | None) -> object:
    if name == "login_url":
        return _link(str(value["url"]), "Inline keyboard button login", https_only=True)
    if name == "web_app":
        if isinstance(place, Seat):
            raise bad_request("BUTTON_TYPE_INVALID")  # ERR
        return {"url": _link(str(value["url"]), "Inline keyboard button Web App", https_only=True)}
    if name == "copy_text" and not 1 <= len(str(value["text"])) <= COPY_TEXT_MAX_CHARS:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")  # API has the bound. UNVERIFIED word
    return value


def _check_pay(rows: list[list[Button]], *, for_invoice: bool) -> None:
    # API, InlineKeyboardButton.pay and sendInvoice: the first button of an invoice, and no other. UNVERIFIED words, from the
    # list of MTProto errors.
    pays = [(row, column) for row, line in enumerate(rows) for column, button in enumerate(line) if "pay" in button]
    if pays and not (for_invoice and pays == [(0, 0)]):
        raise bad_request("BUTTON_TYPE_INVALID")
    if for_invoice and not pays:
        raise bad_request("REPLY_MARKUP_BUY_EMPTY")


def _reply_button(button: Button, place: Place) -> Button:
    if not button["text"]:
        raise bad_request("keyboard button text must be non-empty")
    if isinstance(place, Seat):
        for name, words in _PRIVATE_ONLY.items():
            if name in button:
                raise bad_request(words)
    if isinstance(web_app := button.get("web_app"), dict):
        _link(str(web_app["url"]), "Keyboard button Web App", https_only=True)
    return _built(types.KeyboardButton, button)


def _link(url: str, what: str, *, https_only: bool = False) -> str:
    try:
        return checked_link(url, https_only=https_only)
    except Unreadable as unreadable:
        raise bad_request(f"{what} {unreadable.reason}") from unreadable


def _built(model: type[types.InlineKeyboardButton | types.KeyboardButton], fields: Mapping[str, object]) -> Button:
    try:
        return dump(build_from(model, fields))
    except ValidationError as error:
        raise bad_request("can't parse keyboard button") from error  # UNVERIFIED words: of what a wish asks for
