"""The time of a simulator in another process, for a program that is tried against ``neonpay simulate``."""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from neonpay.core.clock import SystemClock
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from neonpay.core.clock import Clock

ASKED_EVERY_S: Final = 0.25
"""Real seconds for which an answer holds: as late as this the program notices that time was moved."""
_TIMEOUT_S: Final = 2.0


class SimulatorClock:
    """The time of the simulator at an address, for ``create_neonpay(..., clock=...)``: a month on its page passes here too.

    Time never goes back. While the simulator is away, it passes as on this machine. Each question blocks for as long as one
    request on this machine takes, so in a program that sells to real buyers it has no place.

    Args:
        base_url: what the program calls in place of ``https://api.telegram.org``.
        machine: the time between two answers.

    Raises:
        ConfigurationError: no simulator answers there.
    """

    is_moved_by_hand: Final = True

    def __init__(self, base_url: str, *, machine: Clock | None = None) -> None:
        self._url = base_url.rstrip("/") + "/_sim/time"
        self._machine = machine or SystemClock()
        self._lock = threading.Lock()
        self._latest_us = 0
        self._asked_at_us = self._machine.now_us()
        try:
            self._ask()
        except (OSError, ValueError, KeyError) as error:
            raise ConfigurationError(
                f"no simulator answers at {base_url}: start one with 'neonpay simulate' and give the address that it prints"
            ) from error

    def now_us(self) -> int:
        """Microseconds since the epoch, by the simulator."""
        with self._lock:
            now_us = self._machine.now_us()
            if abs(now_us - self._asked_at_us) > ASKED_EVERY_S * 1_000_000:
                self._asked_at_us = now_us
                with suppress(OSError, ValueError, KeyError):
                    self._ask()
            passed_us = 0 if self._frozen else self._machine.now_us() - self._heard_at_us
            self._latest_us = max(self._latest_us, self._told_us + passed_us)
            return self._latest_us

    def _ask(self) -> None:
        with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the address that the program uses
            told = json.load(answer)
        self._told_us, self._frozen = round(told["unix"] * 1_000_000), bool(told["frozen"])
        self._heard_at_us = self._machine.now_us()
