"""A circuit for each method of the Bot API: what has had no answer again and again is not asked for a while.

A message that fails in thirty seconds keeps a handler, a connection and a place for as long. When the last five calls of a
method had none, the next ones fail at once, until one of them is let through to see.
"""

from __future__ import annotations

import logging
import math
from typing import Final

from neonpay.core.clock import Clock
from neonpay.errors import TelegramError

logger = logging.getLogger("neonpay.telegram")

FAILURES: Final = 5
"""Calls of one method in a row without an answer, after which its circuit opens."""
OPEN_S: Final = 30.0
"""How long nothing is asked; then one call is let through."""
UNAVAILABLE: Final = 503
"""The code of a call that was not made."""
ALWAYS_ASKED: Final = frozenset(
    {
        "answerPreCheckoutQuery",
        "answerShippingQuery",
        "refundStarPayment",
        "editUserStarSubscription",
        "getStarTransactions",
        "getMyStarBalance",
        "getUpdates",
        "setWebhook",
        "deleteWebhook",
        "getWebhookInfo",
    }
)
"""Checkouts, refunds, and what payments are heard of by: these are asked whatever happened before, and count for nothing."""


class _Circuit:
    __slots__ = ("failures", "is_tried", "open_since_us")

    def __init__(self) -> None:
        self.failures = 0
        self.open_since_us: int | None = None
        self.is_tried = False
        """Whether the one call that is let through is under way."""


class Breaker:
    """The circuits of one bot.

    Args:
        clock: by which a circuit that is open is tried again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    @property
    def open_methods(self) -> list[str]:
        """The methods that are not asked now, or of which one call is let through to see."""
        return sorted(method for method, circuit in self._circuits.items() if circuit.open_since_us is not None)

    def admit(self, method: str) -> None:
        """Called before Telegram is asked; one of ``answered``, ``failed`` and ``given_up`` follows.

        Raises:
            TelegramError: the circuit is open, code 503; nothing was asked. ``retry_after_s`` says when it is tried.
        """
        circuit = self._circuits.get(method)
        if circuit is None or circuit.open_since_us is None:
            return
        left_s = self._left_s(circuit.open_since_us)
        if left_s <= 0 and not circuit.is_tried:
            circuit.is_tried = True
            return
        after_s = max(1, math.ceil(left_s))
        words = (
            f"not asked: the last {circuit.failures} calls of {method} had no answer; it is tried again in {after_s} s"
        )
        raise TelegramError(method, error_code=UNAVAILABLE, description=words, retry_after_s=after_s)

    def answered(self, method: str) -> None:
        """Telegram answered, with a result or a refusal of its own."""
        circuit = self._circuits.pop(method, None)
        if circuit is not None and circuit.open_since_us is not None:
            logger.info("%s is answered again", method)

    def failed(self, method: str) -> None:
        """There was no answer, or one of a server that is broken."""
        if method in ALWAYS_ASKED:
            return
        circuit = self._circuits.setdefault(method, _Circuit())
        circuit.failures += 1
        was_open, was_tried = circuit.open_since_us is not None, circuit.is_tried
        circuit.is_tried = False
        if circuit.failures < FAILURES or (was_open and not was_tried):
            return  # what was under way when it opened keeps it open no longer
        circuit.open_since_us = self._clock.now_us()
        if not was_open:
            words = "%s had no answer %d times in a row; it is not asked for %.0f s, then once to see. Payments go on"
            logger.warning(words, method, circuit.failures, OPEN_S)

    def given_up(self, method: str) -> None:
        """The caller has gone before there was an answer, which says nothing."""
        circuit = self._circuits.get(method)
        if circuit is not None:
            circuit.is_tried = False

    def _left_s(self, open_since_us: int) -> float:
        passed_s = (self._clock.now_us() - open_since_us) / 1e6
        return OPEN_S - passed_s if passed_s >= 0 else 0.0  # a clock that was put back keeps no circuit open
