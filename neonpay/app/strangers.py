"""Posts to a webhook that do not carry its secret: how many are looked at, and what the log says of them."""

from __future__ import annotations

import logging
from typing import Final

from neonpay.core.clock import Clock

logger = logging.getLogger("neonpay.app")

STRANGERS_PER_S: Final = 30
_SECOND_US = 1_000_000
_TELL_EVERY_US = 60 * _SECOND_US


class Strangers:
    """Counts posts without the secret.

    Args:
        clock: by whose seconds they are counted.
        most_per_s: posts of one second that are looked at.
        is_checked: whether there is a secret, so that a post without it is somebody's mistake or attempt.
    """

    def __init__(self, clock: Clock, *, most_per_s: int, is_checked: bool) -> None:
        self._clock = clock
        self._most_per_s = most_per_s
        self._is_checked = is_checked
        self._second = -1
        self._in_second = 0
        self._told_at_us: int | None = None
        self._untold = 0

    def admit(self) -> bool:
        """Count a post; whether it is one of those of this second that are looked at."""
        now_us = self._clock.now_us()
        if now_us // _SECOND_US != self._second:
            self._second, self._in_second = now_us // _SECOND_US, 0
        self._in_second += 1
        is_admitted = self._in_second <= self._most_per_s
        if self._is_checked or not is_admitted:
            self._tell(now_us)
        return is_admitted

    def _tell(self, now_us: int) -> None:
        """One line a minute, however many there are."""
        self._untold += 1
        if self._told_at_us is not None and 0 <= now_us - self._told_at_us < _TELL_EVERY_US:
            return
        count, self._untold, self._told_at_us = self._untold, 0, now_us
        if self._is_checked:
            words = (
                "refused %d posts to the webhook without its secret; if they are Telegram's, it was told another one: call "
                "set_webhook, or give webhook_handler a list of the new secret and the old one"
            )
        else:
            words = (
                "refused %d posts to the webhook, more than strangers_per_s; with a secret Telegram's are never refused"
            )
        logger.warning(words, count)
