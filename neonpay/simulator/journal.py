"""What was called and how it was answered. No token and no secret is ever in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

CALLS_MAX: Final = 100_000
"""Calls remembered; the oldest are forgotten, so that a simulator left running does not grow without end."""
_TEXT_MAX_CHARS: Final = 4_096
Via: TypeAlias = Literal["http", "mtproto"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Bot API.

    Attributes:
        bot: username of the bot; None when the token was nobody's.
        method: its name as documented, or as it came when unknown.
        params: decoded parameters.
        ok: whether Telegram did it.
        result: the answer, as JSON, when ok.
        error_code: the HTTP status, when not ok; None when the connection was cut by a fault.
        description: Telegram's words.
        at: virtual UTC time of the answer.
        answered: whether the client got to see it; False when a fault lost the answer.
        via: how the call came; a request of MTProto is written down as the method of the Bot API that does the same.
    """

    bot: str | None
    method: str
    params: dict[str, object]
    ok: bool
    result: object
    error_code: int | None
    description: str | None
    at: datetime
    answered: bool = True
    via: Via = "http"


class Journal:
    """Calls, oldest first.

    Args:
        hide: takes secrets out of a text.

    Attributes:
        total: calls ever written down, those forgotten since included.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self._calls: deque[Call] = deque(maxlen=CALLS_MAX)
        self.total = 0

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def newest(self, count: int) -> list[Call]:
        """The last ``count`` calls, oldest first."""
        return list(islice(reversed(self._calls), count))[::-1]

    def add(self, call: Call) -> None:
        """Remember a call."""
        self.total += 1
        self._calls.append(
            Call(
                call.bot,
                self._hide(call.method)[:_TEXT_MAX_CHARS],
                {self._hide(name): self._clean(name, value) for name, value in call.params.items()},
                call.ok,
                self._clean("", call.result),
                call.error_code,
                None if call.description is None else self._hide(call.description),
                call.at,
                call.answered,
                call.via,
            )
        )

    def _clean(self, name: str, value: object) -> object:
        if name == "secret_token" and value:
            return "<secret>"
        if isinstance(value, str):
            return self._hide(value)
        if isinstance(value, dict):
            return {self._hide(str(key)): self._clean(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean("", item) for item in value]
        return value
