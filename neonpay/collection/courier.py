"""Carries one batch to the centre, and says what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import msgspec

from neonpay.collection.config import EventCollectorConfig
from neonpay.collection.packing import GZIP, packed
from neonpay.collection.wire import Accepted, Problem
from neonpay.core.clock import Clock, microseconds, moment
from neonpay.core.text import clean
from neonpay.core.webhook_signing import keys_of, sign
from neonpay.errors import ConfigurationError, NeonPayError
from neonpay.installing import install_line
from neonpay.store.ids import new_event_id

if TYPE_CHECKING:
    import aiohttp

_US: Final = 1_000_000
_ANSWER_MAX_BYTES: Final = 64 * 1024
_FOR_GOOD: Final = frozenset({400, 413})
"""The batch itself is not wanted; whatever else a centre says is about the moment, or about how both are set up."""
_OK: Final = 200
_SIGNATURE: Final = 401
_RETRY_MAX_S: Final = 3600.0


class CentreAwayError(NeonPayError):
    """The centre has not taken a batch, and may later; whether it has kept it is not known. It keeps nothing twice.

    Attributes:
        retry_after_s: when it wants to be asked again; None when it does not say.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CentreRefusedError(NeonPayError):
    """The centre does not want this batch, however often it is sent."""


class Courier:
    """Sends batches to one centre, on one event loop.

    Raises:
        ConfigurationError: aiohttp is not installed.
    """

    def __init__(self, config: EventCollectorConfig, clock: Clock) -> None:
        try:
            import aiohttp  # an extra
        except ImportError as exc:
            msg = f"sending to a centre needs aiohttp; run: {install_line('botapi')}"
            raise ConfigurationError(msg) from exc
        self._address = f"{config.central_analytics_url.rstrip('/')}/analytics/collect"
        self._keys = keys_of(config.secret)
        self._timeout = aiohttp.ClientTimeout(total=config.timeout_s)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._ahead_s = 0
        """How far the clock of the centre is ahead of this one, as far as that was told."""

    async def deliver(self, bot_id: int | str, bot_name: str | None, events: Sequence[bytes]) -> Accepted:
        """What the centre says to a batch of these events, each of them JSON; it has kept all of them.

        Raises:
            CentreRefusedError: it does not want them.
            CentreAwayError: it has not taken them now.
        """
        try:
            return await self._post(bot_id, bot_name, events)
        except _OtherTimeError as exc:
            if exc.ahead_s == self._ahead_s:
                raise CentreAwayError(str(exc)) from exc
            self._ahead_s = exc.ahead_s
        try:
            return await self._post(bot_id, bot_name, events)
        except _OtherTimeError as exc:
            raise CentreAwayError(str(exc)) from exc

    def trust(self, keys: Sequence[bytes]) -> None:
        """Sign with the first of these keys, unless the settings have a secret."""
        self._keys = self._keys or tuple(keys)

    async def close(self) -> None:
        """Give the connections back."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _post(self, bot_id: int | str, bot_name: str | None, events: Sequence[bytes]) -> Accepted:
        import aiohttp

        now_us = self._clock.now_us()
        body = packed(_body(bot_id, bot_name, now_us, events))
        signed = sign(self._keys, f"msg_{new_event_id()}", now_us // _US + self._ahead_s, body)
        try:
            # A redirect would carry people's data to another address.
            async with self._session_here().post(
                self._address, data=body, headers={"Content-Type": GZIP, **signed}, allow_redirects=False
            ) as answer:
                told = await _start_of(answer.content)
                return self._understood(answer, told)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            words = f"{type(exc).__name__}: {exc}".rstrip(": ")
            msg = f"no answer from the centre at {self._address} ({clean(words)})"
            raise CentreAwayError(msg) from exc

    def _understood(self, answer: aiohttp.ClientResponse, told: bytes) -> Accepted:
        if answer.status == _OK:
            try:
                return msgspec.json.decode(told, type=Accepted)
            except (msgspec.DecodeError, ValueError):
                msg = f"whoever answers at {self._address} is no centre"
                raise CentreAwayError(msg) from None
        try:
            problem = msgspec.json.decode(told, type=Problem)
        except (msgspec.DecodeError, ValueError):
            problem = Problem(error="", message="")
        msg = f"the centre at {self._address} says {answer.status} {clean(problem.message)}".rstrip()
        if answer.status in _FOR_GOOD and problem.error:
            raise CentreRefusedError(msg)
        if answer.status == _SIGNATURE and problem.error == "timestamp":
            ahead_s = self._told_ahead_s(answer.headers.get("Date", ""))
            if ahead_s is not None:
                raise _OtherTimeError(msg, ahead_s)
        raise CentreAwayError(msg, _seconds(answer.headers.get("Retry-After", "")))

    def _told_ahead_s(self, date: str) -> int | None:
        try:
            return (microseconds(parsedate_to_datetime(date)) - self._clock.now_us()) // _US
        except (ValueError, TypeError):
            return None

    def _session_here(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


class _OtherTimeError(Exception):
    def __init__(self, message: str, ahead_s: int) -> None:
        super().__init__(message)
        self.ahead_s = ahead_s


async def _start_of(content: aiohttp.StreamReader) -> bytes:
    told = b""
    while len(told) < _ANSWER_MAX_BYTES and (more := await content.read(_ANSWER_MAX_BYTES)):
        told += more
    return told


def _body(bot_id: int | str, bot_name: str | None, now_us: int, events: Sequence[bytes]) -> bytes:
    head: dict[str, object] = {"bot_id": bot_id, "sent_at": moment(now_us)}
    if bot_name is not None:
        head["bot_name"] = bot_name
    return msgspec.json.encode(head)[:-1] + b',"events":[' + b",".join(events) + b"]}"


def _seconds(text: str) -> float | None:
    return min(float(text), _RETRY_MAX_S) if text.isascii() and text.isdecimal() else None
