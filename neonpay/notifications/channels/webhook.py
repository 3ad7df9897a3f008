"""Programs: signed JSON, as Standard Webhooks has it (https://www.standardwebhooks.com)."""

from __future__ import annotations

from typing import Final

from neonpay._version import __version__
from neonpay.core.jsontext import dump_whatever
from neonpay.core.webhook_signing import ID, TIMESTAMP, keys_of, sign
from neonpay.errors import ConfigurationError, NotificationRefusedError
from neonpay.notifications.channels import ENDPOINT, Means
from neonpay.notifications.channels.posting import Poster
from neonpay.notifications.config import check_url
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note

ABOUT_THE_BODY: Final = {"Content-Type": "application/json", "User-Agent": f"neonpay/{__version__}"}
"""The headers of every post, beside those of its signature."""
_US: Final = 1_000_000


class WebhookChannel:
    """Posts to the URL that a note names, or to the endpoint of the shop whose id it names."""

    def __init__(self, means: Means) -> None:
        self._poster = Poster(NotificationType.WEBHOOK, means.config.timeout_s, means.clock)
        self._clock = means.clock
        self._secret = means.config.webhook_secret
        self._endpoint_of = means.endpoint

    async def send(self, note: Note) -> None:
        """Have the program take it; its ``webhook-id`` is the same in every attempt.

        Raises:
            NotificationRefusedError: the program does not want it, or answers with a redirect.
            NotificationDelayedError: the program is away or wants it later.
        """
        url, secrets = note.recipient, [self._secret] if self._secret else []
        now_us = self._clock.now_us()
        if url.startswith(ENDPOINT) and self._endpoint_of is not None:
            endpoint = await self._endpoint_of(url)
            if endpoint is None:
                raise NotificationRefusedError(NotificationType.WEBHOOK, "the endpoint has been removed, or is off")
            url, secrets = endpoint.url, endpoint.secrets(now_us)
        try:
            check_url("recipient", url)
        except ConfigurationError as exc:
            raise NotificationRefusedError(NotificationType.WEBHOOK, str(exc)) from exc
        body = body_of(note)
        now_s = now_us // _US
        signed = sign(keys_of(secrets), note.note_id, now_s, body, by_all=True)
        headers = {ID: note.note_id, TIMESTAMP: str(now_s), **signed}
        await self._poster.post(url, body, {**headers, **ABOUT_THE_BODY})

    async def close(self) -> None:
        """Give the connections back."""
        await self._poster.close()


def body_of(note: Note) -> bytes:
    """What is posted: ``type``, ``timestamp`` and ``data``."""
    data = {name: value for name, value in note.data.items() if name != "buttons"}
    if note.subject or note.body:
        data |= {"subject": note.subject, "body": note.body, "priority": note.priority.value}
    return dump_whatever({"type": note.kind, "timestamp": note.at.isoformat(), "data": data}).encode()
