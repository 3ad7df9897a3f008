"""Errors of the simulator."""

from __future__ import annotations

from neonpay.errors.base import NeonPayError


class SimulatorError(NeonPayError):
    """The simulator was asked for something that its Telegram would not do."""


class SimulatorTimeoutError(SimulatorError, TimeoutError):
    """What a test waited for did not happen in time.

    Attributes:
        what: what was waited for.
        timeout_s: real seconds waited.
    """

    def __init__(self, what: str, timeout_s: float) -> None:
        self.what = what
        self.timeout_s = timeout_s
        super().__init__(f"waited {timeout_s:g} s of real time for {what}; it did not happen")
