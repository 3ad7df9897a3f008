"""What an update tells of a person, told to the sink. Nothing here raises or waits, and the update stays the host's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from neonpay.core.clock import Clock
from neonpay.core.ports import UpdateSink
from neonpay.core.seen import SeenKind, SeenUpdate, command_in

logger = logging.getLogger("neonpay.adapters")

T = TypeVar("T")
_MESSAGE, _CALLBACK, _INLINE = SeenKind.MESSAGE, SeenKind.CALLBACK, SeenKind.INLINE_QUERY
_MONEY = ("successful_payment", "refunded_payment")
_CHANNEL_OFFSET = -1_000_000_000_000


def tell_of(sink: UpdateSink, bot_id: int, update: Any, clock: Clock) -> None:
    """Tell of an update as an object: aiogram, python-telegram-bot and pyTelegramBotAPI call its fields alike."""
    try:
        seen = _of_object(bot_id, update, clock)
    except Exception:  # noqa: BLE001  # an object that somebody has made himself
        _cannot_read(update)
        return
    if seen is not None:
        sink.seen(seen)


def tell_of_plain(sink: UpdateSink, bot_id: int, update: Mapping[str, Any], clock: Clock) -> None:
    """Tell of an update as Telegram writes it."""
    try:
        seen = _of_plain(bot_id, update, clock)
    except Exception:  # noqa: BLE001  # it came from outside
        _cannot_read(update)
        return
    if seen is not None:
        sink.seen(seen)


def tell_of_tl(sink: UpdateSink, bot_id: int, update: Any, users: Mapping[int, Any], clock: Clock) -> None:
    """Tell of an update of MTProto."""
    try:
        seen = _of_tl(bot_id, update, users, clock)
    except Exception:  # noqa: BLE001  # what a layer does not have is absent, and what it calls otherwise is no update of ours
        _cannot_read(update)
        return
    if seen is not None:
        sink.seen(seen)


def _cannot_read(update: object) -> None:
    logger.debug("an update could not be counted: %s", type(update).__name__)


def _of_object(bot_id: int, update: Any, clock: Clock) -> SeenUpdate | None:
    message = update.message
    if message is not None:
        user = message.from_user
        if user is None or user.is_bot or message.successful_payment is not None:
            return None
        if getattr(message, "refunded_payment", None) is not None:
            return None
        command, parameter = command_in(message.text)
        return SeenUpdate(
            bot_id,
            user.id,
            message.chat.id,
            _MESSAGE,
            command,
            parameter,
            user.language_code,
            clock.now_us(),
            update.update_id,
            _seconds(message.date),
        )
    press = update.callback_query
    if press is not None:
        user, under = press.from_user, press.message
        chat_id, sent_s = (None, None) if under is None else (under.chat.id, _seconds(under.date))
        return SeenUpdate(
            bot_id,
            user.id,
            chat_id,
            _CALLBACK,
            None,
            None,
            user.language_code,
            clock.now_us(),
            update.update_id,
            sent_s,
        )
    query = update.inline_query
    if query is not None:
        user = query.from_user
        return SeenUpdate(
            bot_id, user.id, None, _INLINE, None, None, user.language_code, clock.now_us(), update.update_id
        )
    return None


def _seconds(date: Any) -> int:
    """Unix time of a date, which pyTelegramBotAPI has as a number, and all have so of a message that is gone."""
    return date if isinstance(date, int) else int(date.timestamp())


def _of_plain(bot_id: int, update: Mapping[str, Any], clock: Clock) -> SeenUpdate | None:
    chat_id: int | None = None
    sent_s: int | None = None
    command: str | None = None
    parameter: str | None = None
    kind = _MESSAGE
    told = update.get("message")
    if told is not None:
        if "from" not in told or any(money in told for money in _MONEY):
            return None
        chat_id, sent_s = told["chat"]["id"], told.get("date")
        command, parameter = command_in(told.get("text"))
    elif (told := update.get("callback_query")) is not None:
        kind = _CALLBACK
        under = told.get("message", {})
        chat_id, sent_s = under.get("chat", {}).get("id"), under.get("date")
    elif (told := update.get("inline_query")) is not None:
        kind = _INLINE
    else:
        return None
    user = told["from"]
    if user.get("is_bot"):
        return None
    language_code = user.get("language_code")
    now_us, update_id = clock.now_us(), update.get("update_id")
    return SeenUpdate(bot_id, user["id"], chat_id, kind, command, parameter, language_code, now_us, update_id, sent_s)


def _of_tl(bot_id: int, update: Any, users: Mapping[int, Any], clock: Clock) -> SeenUpdate | None:
    read = _OF_TL.get(type(update).__name__)
    found = None if read is None else read(update)
    if found is None:
        return None
    user_id, chat_id, kind, text = found
    user = users.get(user_id)
    if getattr(user, "bot", False):
        return None
    command, parameter = command_in(text)
    language_code = getattr(user, "lang_code", None)
    return SeenUpdate(bot_id, user_id, chat_id, kind, command, parameter, language_code, clock.now_us(), None)


_Read = Callable[[Any], "tuple[int, int | None, SeenKind, str | None] | None"]


def _new_message(update: Any) -> tuple[int, int | None, SeenKind, str | None] | None:
    message = update.message
    # A service message tells what became of a chat, or of money.
    if type(message).__name__ != "Message" or message.out:
        return None
    sender = getattr(message, "from_id", None)
    user_id = getattr(message.peer_id if sender is None else sender, "user_id", None)
    return None if user_id is None else (user_id, _chat_id(message.peer_id), _MESSAGE, message.message)


def _short_message(update: Any) -> tuple[int, int | None, SeenKind, str | None] | None:
    return None if update.out else (update.user_id, update.user_id, _MESSAGE, update.message)


def _press(update: Any) -> tuple[int, int | None, SeenKind, str | None]:
    return update.user_id, _chat_id(update.peer), _CALLBACK, None


def _inline_press(update: Any) -> tuple[int, int | None, SeenKind, str | None]:
    return update.user_id, None, _CALLBACK, None


def _inline_query(update: Any) -> tuple[int, int | None, SeenKind, str | None]:
    return update.user_id, None, _INLINE, None


_OF_TL: Mapping[str, _Read] = {
    "UpdateNewMessage": _new_message,
    "UpdateNewChannelMessage": _new_message,
    "UpdateShortMessage": _short_message,
    "UpdateBotCallbackQuery": _press,
    "UpdateInlineBotCallbackQuery": _inline_press,
    "UpdateBotInlineQuery": _inline_query,
}


def _chat_id(peer: Any) -> int:
    if hasattr(peer, "user_id"):
        return int(peer.user_id)
    return int(-peer.chat_id if hasattr(peer, "chat_id") else _CHANNEL_OFFSET - peer.channel_id)
