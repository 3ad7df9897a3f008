"""SMS, and whatever else Apprise knows (https://github.com/caronc/apprise), in threads of their own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

import apprise

from neonpay.errors import NotificationDelayedError, NotificationRefusedError
from neonpay.notifications.channels import Means
from neonpay.notifications.fitting import fit_chars, one_line
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note

_THREADS: Final = 4
TEXT_MAX_CHARS: Final = 1_530
"""Ten parts of a long SMS, 153 characters each (GSM 03.40); nobody wants to pay for more."""


class AppriseChannel:
    """Sends by the URL of the configuration, or by the one that a note names as its recipient.

    A thread cannot be killed: one that hangs keeps its place among four until it ends, and keeps nothing else from running.
    """

    def __init__(self, means: Means) -> None:
        config = means.config
        self._timeout_s = config.timeout_s
        self._url = config.sms_provider or ""
        self._secrets = {"key": config.sms_api_key or "", "secret": config.sms_api_secret or ""}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="neonpay-apprise")

    async def send(self, note: Note) -> None:
        """Have the service take it.

        Raises:
            NotificationRefusedError: the URL is none that Apprise knows.
            NotificationDelayedError: the service did not take it; Apprise does not say why.
        """
        sender = apprise.Apprise()
        if not sender.add(self._url_for(note.recipient)):
            raise NotificationRefusedError(
                NotificationType.SMS, "Apprise does not know this kind of URL, or a part of it is wrong"
            )
        title, body = one_line(note.subject, 100), fit_chars(note.body or note.subject, TEXT_MAX_CHARS)
        sending = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: sender.notify(body=body, title=title if note.body else "")
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                has_gone = await sending
        except TimeoutError as exc:
            raise NotificationDelayedError(NotificationType.SMS, "no answer") from exc
        if not has_gone:
            raise NotificationDelayedError(NotificationType.SMS, "the service did not take it")

    async def close(self) -> None:
        """Leave threads that hang to themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _url_for(self, recipient: str) -> str:
        if "://" in recipient:
            return recipient
        url = self._url
        for name, value in {**self._secrets, "recipient": recipient}.items():
            url = url.replace(f"{{{name}}}", quote(value, safe="+"))
        return url
