"""Telegram: by the shop's own bot, or by one whose token is given."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from neonpay.core.jsontext import JsonValue
from neonpay.errors import (
    ConfigurationError,
    NotificationDelayedError,
    NotificationRefusedError,
    TelegramError,
    TelegramUnreachableError,
)
from neonpay.notifications.channels import Means
from neonpay.notifications.channels.chats import A_CHAT, chat_of
from neonpay.notifications.fitting import fit_utf16
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note
from neonpay.telegram.client import BASE_URL, BotApiClient

TEXT_MAX_UNITS: Final = 4096
"""UTF-16 code units of one message (https://core.telegram.org/bots/api#sendmessage, read 2026-11-20)."""
_FOR_GOOD: Final = frozenset({400, 403})
_NO_BOT: Final = frozenset({401, 404})
_NOT_LET_IN: Final = ("chat not found", "can't initiate conversation", "blocked by the user", "kicked from")
_UPGRADED: Final = "upgraded to a supergroup"
_TOO_MANY: Final = 429


class TelegramChannel:
    """Writes plain text, in which nothing that somebody else has written can be markup."""

    def __init__(self, means: Means) -> None:
        config, self._client = means.config, None
        self._timeout_s = config.timeout_s
        self._default = config.telegram_admin_chat_id
        if config.telegram_bot_token is not None:
            self._client = BotApiClient(
                config.telegram_bot_token,
                base_url=config.telegram_base_url or BASE_URL,
                timeout_s=config.timeout_s,
                connections=10,
            )
        elif means.call is None:
            msg = "the channel telegram needs telegram_bot_token, or a shop whose bot writes"
            raise ConfigurationError(msg)
        self._call = self._client.call if self._client is not None else means.call

    async def send(self, note: Note) -> None:
        """Have Telegram take it.

        Raises:
            NotificationRefusedError: the chat is gone, has blocked the bot, or is none.
            NotificationDelayedError: Telegram wants to be asked later, did not answer, or does not know the token.
        """
        text = fit_utf16(note.text, TEXT_MAX_UNITS)
        params: dict[str, JsonValue] = {"chat_id": _chat(note.recipient), "text": text}
        params["link_preview_options"] = {"is_disabled": True}
        buttons = note.data.get("buttons")
        if buttons:
            params["reply_markup"] = {"inline_keyboard": buttons}
        await self._have("sendMessage", params)

    async def look_at(self, recipient: str) -> None:
        """Return when it may write to a chat; nothing is written. Whoever looks at their chat with the bot sees "typing".

        Telegram has no question for it. A chat action is refused as a message would be: the Bot API server does not know the
        chat, or Telegram says that it may not write there (tdlib/td, DialogActionManager.cpp, read 2026-11-30).

        Raises:
            NotificationRefusedError: it may not.
            NotificationDelayedError: Telegram did not say.
        """
        await self._have("sendChatAction", {"chat_id": _chat(recipient), "action": "typing"})

    async def _have(self, method: str, params: Mapping[str, JsonValue]) -> None:
        assert self._call is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._call(method, params)
        except TelegramError as exc:
            if exc.error_code in _FOR_GOOD:
                finding = exc.description
                if any(words in finding for words in _NOT_LET_IN):
                    finding += (
                        "; a person has to open the bot and press Start before it may write, and a group or channel has to "
                        "have it"
                    )
                if _UPGRADED in finding:
                    finding += (
                        "; it has another id now, which begins with -100: name that one in its place, as "
                        "telegram_admin_chat_id (NEONPAY_NOTIFY_TELEGRAM_ADMIN_CHAT_ID) or in the rule"
                    )
                raise NotificationRefusedError(NotificationType.TELEGRAM, finding) from exc
            if exc.error_code in _NO_BOT:
                # Whoever mends the token gets what waited.
                whose = "that of the shop's own bot"
                if self._client is not None:
                    whose = "telegram_bot_token (NEONPAY_NOTIFY_TELEGRAM_BOT_TOKEN), or the bot's own where that is not set,"
                finding = f"{exc.description}: Telegram does not know the token; set {whose} to what @BotFather shows"
                raise NotificationDelayedError(NotificationType.TELEGRAM, finding) from exc
            after = exc.retry_after_s if exc.error_code == _TOO_MANY else None
            raise NotificationDelayedError(
                NotificationType.TELEGRAM, exc.description, retry_after_s=None if after is None else float(after)
            ) from exc
        except (TelegramUnreachableError, TimeoutError) as exc:
            raise NotificationDelayedError(NotificationType.TELEGRAM, "no answer") from exc

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            await self._client.close()


def _chat(recipient: str) -> int | str:
    try:
        return chat_of(recipient)
    except ValueError:
        raise NotificationRefusedError(NotificationType.TELEGRAM, A_CHAT) from None
