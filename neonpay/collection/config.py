"""What a bot says about its centre."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from neonpay.collection.wire import EVENTS_MAX
from neonpay.core.webhook_signing import keys_of
from neonpay.core.whole import is_whole
from neonpay.errors import ConfigurationError, ValidationError

MAX_HELD: Final = 1_000_000
HOST: Final = "localhost"
PORT: Final = 8081
"""Where a centre listens unless told otherwise."""


@dataclass(frozen=True, slots=True)
class EventCollectorConfig:
    """Where events go, and how.

    Attributes:
        central_analytics_url: address of the centre; that of one on this machine when left out.
        collection_interval_seconds: how long events wait for others to be sent with.
        batch_size: events in one batch at most, 1–1000.
        max_retries: attempts in one round; what was not sent then is tried in the next one, and never given up for that.
        retry_delay: seconds before the second attempt; the pauses after it grow.
        enable_real_time: whether what comes is sent at once, and waits only while the centre does not answer.
        enable_batch_collection: whether what waits is sent each interval.
        secret: of the centre, ``whsec_…``, or several of which the first signs; None for a centre on this machine.
        max_held: events that may wait for the centre; what comes when there are so many is shed, and counted.
        timeout_s: seconds that the centre has to answer one batch.

    Raises:
        ConfigurationError: the address is none, or the secret; its text is not shown.
        ValidationError: a number is out of its range.
    """

    central_analytics_url: str = "http://localhost:8081"
    collection_interval_seconds: float = 30
    batch_size: int = 100
    max_retries: int = 3
    retry_delay: float = 5.0
    enable_real_time: bool = True
    enable_batch_collection: bool = True
    secret: str | Sequence[str] | None = field(default=None, repr=False)
    max_held: int = MAX_HELD
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not _is_address(self.central_analytics_url):
            msg = "central_analytics_url is the address of a centre, such as http://localhost:8081 or https://centre.example"
            raise ConfigurationError(msg)
        keys_of(self.secret)
        for name, value, most, bound in (
            ("batch_size", self.batch_size, EVENTS_MAX, f"1–{EVENTS_MAX}"),
            ("max_retries", self.max_retries, 1000, "1–1000 attempts"),
            ("max_held", self.max_held, 2**31, "1 event or more"),
        ):
            if not is_whole(value, 1, most):
                raise ValidationError(name, value, bound)
        if not _is_number(self.retry_delay) or self.retry_delay < 0:
            raise ValidationError("retry_delay", self.retry_delay, "0 seconds or more")
        for name in ("timeout_s", "collection_interval_seconds"):
            seconds = getattr(self, name)
            if not _is_number(seconds) or seconds <= 0:
                raise ValidationError(name, seconds, "more than 0 seconds")


def checked_config(config: EventCollectorConfig) -> EventCollectorConfig:
    """The settings; raises ConfigurationError for what is none, such as an address alone."""
    if not isinstance(config, EventCollectorConfig):
        msg = f'give it EventCollectorConfig("http://localhost:8081"), and not {type(config).__name__}'
        raise ConfigurationError(msg)
    return config


def _is_address(url: object) -> bool:
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is none, or half of an address
        return False
    is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and is_bare


def _is_number(seconds: object) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds)
