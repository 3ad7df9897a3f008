"""SMS, and whatever else Apprise knows (https://github.com/caronc/apprise), in threads of their own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Final
from urllib.parse import quote

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
        if find_spec("apprise") is None:
            raise ImportError(name="apprise")
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
        title, body = one_line(note.subject, 100), fit_chars(note.body or note.subject, TEXT_MAX_CHARS)
        url = self._url_for(note.recipient)
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, _notify, url, title if note.body else "", body)
        try:
            async with asyncio.timeout(self._timeout_s):
                has_gone = await sending
        except TimeoutError as exc:
            raise NotificationDelayedError(NotificationType.SMS, "no answer") from exc
        if has_gone is None:
            finding = "Apprise does not know this kind of URL, or a part of it is wrong"
            raise NotificationRefusedError(NotificationType.SMS, finding)
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


def _notify(url: str, title: str, body: str) -> bool | None:
    """Whether it has gone; None for a URL that Apprise does not know."""
    import apprise  # here, for it takes a second and more to find its services

    sender = apprise.Apprise()
    return bool(sender.notify(title=title, body=body)) if sender.add(url) else None
