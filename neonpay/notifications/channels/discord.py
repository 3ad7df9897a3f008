"""Discord, by a webhook (https://discord.com/developers/docs/resources/webhook#execute-webhook)."""

from __future__ import annotations

import re
from typing import Final

from neonpay.core.jsontext import dump
from neonpay.notifications.channels import Means
from neonpay.notifications.channels.posting import Poster
from neonpay.notifications.fitting import fit_chars
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note

TEXT_MAX_CHARS: Final = 2_000
"""``content`` of one message, as that page has it, read 2026-11-29."""
_MARKUP: Final = re.compile(r"([\\*_~`|>\[\]()#-])")


class DiscordChannel:
    """Posts text that mentions nobody."""

    def __init__(self, means: Means) -> None:
        self._poster = Poster(NotificationType.DISCORD, means.config.timeout_s, means.clock)
        self._url = means.config.discord_webhook_url or ""

    async def send(self, note: Note) -> None:
        """Have Discord take it; raises what posting raises."""
        url = note.recipient if note.recipient.startswith(("http://", "https://")) else self._url
        content = fit_chars(escaped(note.text), TEXT_MAX_CHARS)
        told = dump({"content": content, "allowed_mentions": {"parse": []}}).encode()
        await self._poster.post(url, told, {"Content-Type": "application/json"})

    async def close(self) -> None:
        """Give the connections back."""
        await self._poster.close()


def escaped(text: str) -> str:
    """The text with nothing in it that Discord would take for markup."""
    return _MARKUP.sub(r"\\\1", text)
