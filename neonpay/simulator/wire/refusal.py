"""How the simulated Telegram says no.

Sources of the texts, by the letters used in comments all over this package:

* API: Bot API 10.3 documentation, https://core.telegram.org/bots/api (read 2026-11-20)
* SRV: source of the Bot API server, https://github.com/tdlib/telegram-bot-api, commit 01a3679 (read 2026-11-20)
* TDL: source of TDLib 1.8.66, https://github.com/tdlib/td (read 2026-11-20)
* ERR: Telegram's list of errors per method, https://core.telegram.org/bots/errors.json, version 10.3 (read 2026-11-20)
* UNVERIFIED: Telegram refuses, but with which words is not known; the code is from the list of MTProto errors
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Refusal(Exception):  # noqa: N818 - an answer of the Bot API, not a fault of ours
    """An answer with ``ok: false``.

    Attributes:
        error_code: Telegram's code, also the HTTP status.
        description: Telegram's words.
        retry_after_s: given with code 429.
    """

    def __init__(self, error_code: int, description: str, *, retry_after_s: int | None = None) -> None:
        self.error_code = error_code
        self.description = description
        self.retry_after_s = retry_after_s
        super().__init__(f"{error_code} {description}")


class Unreadable(Refusal):
    """400 for a value that the server cannot read.

    Attributes:
        reason: the server's words, as they stand inside a longer sentence.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(400, f"Bad Request: {_begun(reason)}")


@contextmanager
def inside(what: str) -> Iterator[None]:
    """Inside the block, what cannot be read is told as part of ``what``: ``Can't parse labeled price: Can't find field …``."""
    try:
        yield
    except Unreadable as unreadable:
        raise Unreadable(f"{what}: {unreadable.reason}") from unreadable


def bad_request(reason: str) -> Refusal:
    """400, in the form that every refused parameter has; a first letter that begins a sentence becomes a small one (SRV)."""
    return Refusal(400, f"Bad Request: {_begun(reason)}")


def forbidden(reason: str) -> Refusal:
    """403."""
    return Refusal(403, f"Forbidden: {reason}")


def conflict(reason: str) -> Refusal:
    """409."""
    return Refusal(409, f"Conflict: {reason}")


def too_many_requests(retry_after_s: int) -> Refusal:
    """429; the server sends ``Retry-After`` too (SRV)."""
    return Refusal(429, f"Too Many Requests: retry after {retry_after_s}", retry_after_s=retry_after_s)


def _begun(reason: str) -> str:
    is_word_of_telegram = reason[1:2] == "_" or "A" <= reason[1:2] <= "Z"
    return reason if is_word_of_telegram else reason[:1].lower() + reason[1:]


def not_simulated(what: str) -> Refusal:
    """501: Telegram does this and the simulator does not. Never answered with ok, so that no test passes by accident."""
    return Refusal(501, f"Not simulated: {what}; Telegram has it and neonpay.simulator does not")
