"""Posts to addresses of other people's programs, and makes of their answers what a channel says."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from neonpay.core.clock import Clock, microseconds
from neonpay.core.text import clean
from neonpay.errors import NotificationDelayedError, NotificationRefusedError
from neonpay.notifications.channels.no_answer import no_answer
from neonpay.notifications.kinds import NotificationType

_SHOWN_BYTES: Final = 512
_RETRY_MOST_S: Final = 24 * 3600.0
_TOO_MANY: Final = 429
_AGAIN: Final = frozenset({408, 409, 425, _TOO_MANY})
"""What is about the moment among the answers that blame the sender."""


class Poster:
    """Posts for one channel.

    A redirect is refused: whoever answers could send the body, and what it is signed with, into a network of the owner's.
    """

    def __init__(self, channel: NotificationType, timeout_s: float, clock: Clock) -> None:
        self._channel = channel
        self._timeout_s = timeout_s
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when the answer is one of success.

        Raises:
            NotificationRefusedError: the answer blames what was sent, or leads elsewhere.
            NotificationDelayedError: there was no answer, or one that blames the moment.
        """
        try:
            async with self._session_here().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                told = await answer.content.read(_SHOWN_BYTES)
                self._understand(answer, told)
        except aiohttp.InvalidURL:
            raise NotificationRefusedError(self._channel, "the address is none that can be posted to") from None
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeError) as exc:
            # The address is a secret with most services, and aiohttp's errors show it.
            raise NotificationDelayedError(self._channel, no_answer(exc, self._timeout_s)) from None

    async def close(self) -> None:
        """Give the connections back."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _session_here(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def _understand(self, answer: aiohttp.ClientResponse, told: bytes) -> None:
        status = answer.status
        if 200 <= status < 300:  # noqa: PLR2004  # success, as HTTP has it
            return
        words = clean(told.decode("utf-8", "replace"), 200)
        finding = f"answered {status}" + (f": {words}" if words else "")
        if 300 <= status < 400:  # noqa: PLR2004  # it wants the body to go elsewhere
            raise NotificationRefusedError(self._channel, f"answered {status}, a redirect, which is not followed")
        if status >= 500 or status in _AGAIN:  # noqa: PLR2004  # about the moment
            raise NotificationDelayedError(self._channel, finding, retry_after_s=self._retry_after_s(answer, told))
        raise NotificationRefusedError(self._channel, finding)

    def _retry_after_s(self, answer: aiohttp.ClientResponse, told: bytes) -> float | None:
        said = answer.headers.get("Retry-After", "").strip()
        seconds: float | None = None
        if said.replace(".", "", 1).isdecimal():
            seconds = float(said)
        elif said:
            with contextlib.suppress(ValueError, TypeError):
                seconds = (microseconds(parsedate_to_datetime(said)) - self._clock.now_us()) / 1_000_000
        return None if seconds is None else min(max(seconds, 0.0), _RETRY_MOST_S)
