"""What goes wrong on purpose: answers that are errors, answers that get lost, connections that close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neonpay.errors import SimulatorError

FaultKind = Literal["fail", "lose_answer", "drop_connection"]


@dataclass(slots=True)
class Fault:
    """One thing that will go wrong.

    Attributes:
        method: Bot API method, or ``*`` for every one.
        kind: ``fail`` answers with an error and does nothing; ``lose_answer`` does it and closes the connection without an
            answer; ``drop_connection`` does nothing and closes the connection.
        times: how many calls are still to meet it.
    """

    method: str
    kind: FaultKind
    times: int
    error_code: int = 500
    description: str = "Internal Server Error"
    retry_after_s: int | None = None


class Faults:
    """The faults that are waiting for a call, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def fail(
        self,
        method: str,
        *,
        error_code: int = 500,
        description: str | None = None,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next ``times`` calls of ``method`` with an error; nothing happens in Telegram.

        Args:
            method: Bot API method, or ``*``.
            error_code: HTTP status and Telegram's code, 400 or more.
            description: Telegram's words; the usual ones of this code when left out.
            retry_after: seconds, for 429; also sent as the ``Retry-After`` header.
            times: how many calls.
        """
        if not 400 <= error_code <= 599:  # noqa: PLR2004 - HTTP
            raise SimulatorError(f"an error has a code from 400 to 599, not {error_code}")
        if error_code == 429 and retry_after is None:  # noqa: PLR2004
            retry_after = 1
        words = description or _usual_words(error_code, retry_after)
        self._add(Fault(method, "fail", times, error_code, words, retry_after))

    def lose_answer(self, method: str, *, times: int = 1) -> None:
        """Do what the next ``times`` calls of ``method`` ask, and close the connection instead of answering."""
        self._add(Fault(method, "lose_answer", times))

    def drop_connection(self, method: str, *, times: int = 1) -> None:
        """Close the connection of the next ``times`` calls of ``method`` before they have any effect."""
        self._add(Fault(method, "drop_connection", times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, counted down."""
        for fault in self._waiting:
            if fault.method == "*" or fault.method.lower() == method.lower():
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def _add(self, fault: Fault) -> None:
        if fault.times < 1:
            raise SimulatorError(f"a fault happens at least once, not {fault.times} times")
        self._waiting.append(fault)


def _usual_words(error_code: int, retry_after: int | None) -> str:
    words = {
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
        429: f"Too Many Requests: retry after {retry_after}", 500: "Internal Server Error", 502: "Bad Gateway",
        503: "Service Unavailable", 504: "Gateway Timeout",
    }  # fmt: skip
    return words.get(error_code, "Error")
