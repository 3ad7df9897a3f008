"""Slack, by an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""

from __future__ import annotations

from typing import Final

from neonpay.core.jsontext import JsonValue, dump
from neonpay.notifications.channels import Means
from neonpay.notifications.channels.posting import Poster
from neonpay.notifications.fitting import fit_chars
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note

TEXT_MAX_CHARS: Final = 4_000
"""What Slack asks to stay below (https://docs.slack.dev/reference/methods/chat.postMessage, read 2026-11-29)."""


class SlackChannel:
    """Posts plain text."""

    def __init__(self, means: Means) -> None:
        self._poster = Poster(NotificationType.SLACK, means.config.timeout_s, means.clock)
        self._url = means.config.slack_webhook_url or ""

    async def send(self, note: Note) -> None:
        """Have Slack take it; raises what posting raises."""
        is_address = note.recipient.startswith(("http://", "https://"))
        told: dict[str, JsonValue] = {"text": escaped(fit_chars(note.text, TEXT_MAX_CHARS)), "link_names": False}
        told["mrkdwn"] = False  # or *words* and _words_ of other people would be bold and slanted
        if note.recipient and not is_address:
            told["channel"] = note.recipient
        url = note.recipient if is_address else self._url
        await self._poster.post(url, dump(told).encode(), {"Content-Type": "application/json"})

    async def close(self) -> None:
        """Give the connections back."""
        await self._poster.close()


def escaped(text: str) -> str:
    """The text with nothing in it that Slack would take for a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
