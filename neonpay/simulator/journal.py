"""What was called and how it was answered. No token and no secret is ever in it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from neonpay.simulator.wire.params import Params

    Said = tuple[dict[str, object], object]

CALLS_MAX: Final = 100_000
"""Calls remembered; the oldest are forgotten, so that a simulator left running does not grow without end."""
_TEXT_MAX_CHARS: Final = 4_096
Via: TypeAlias = Literal["http", "mtproto"]


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

    __slots__ = ("_said", "answered", "at", "bot", "description", "error_code", "method", "ok", "via")

    def __init__(
        self,
        said: Said | Callable[[], Said],
        *,
        bot: str | None,
        method: str,
        ok: bool,
        error_code: int | None,
        description: str | None,
        at: datetime,
        answered: bool,
        via: Via,
    ) -> None:
        # Decoded when somebody looks, since most calls are never looked at.
        self._said = said
        self.bot = bot
        self.method = method
        self.ok = ok
        self.error_code = error_code
        self.description = description
        self.at = at
        self.answered = answered
        self.via = via

    @property
    def params(self) -> dict[str, object]:
        """Decoded parameters."""
        return self._decoded()[0]

    @property
    def result(self) -> object:
        """The answer, as JSON, when ok."""
        return self._decoded()[1]

    def __repr__(self) -> str:
        shown = ("bot", "method", "params", "ok", "result", "error_code", "description", "at", "answered", "via")
        return f"Call({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def _decoded(self) -> Said:
        if not isinstance(self._said, tuple):
            self._said = self._said()
        return self._said


class Journal:
    """Calls, oldest first.

    Args:
        hide: takes secrets out of a text.
        describe: the parameters of a call of this method as Python values.

    Attributes:
        total: calls ever written down, those forgotten since included.
    """

    def __init__(self, hide: Callable[[str], str], describe: Callable[[str, Params], dict[str, object]]) -> None:
        self._hide = hide
        self._describe = describe
        self._calls: deque[Call] = deque(maxlen=CALLS_MAX)
        self.total = 0

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def newest(self, count: int) -> list[Call]:
        """The last ``count`` calls, oldest first."""
        return list(islice(reversed(self._calls), count))[::-1]

    def add(
        self,
        bot: str | None,
        method: str,
        params: Params,
        at: datetime,
        *,
        ok: bool,
        result: object = None,
        error_code: int | None = None,
        description: str | None = None,
        answered: bool = True,
        via: Via = "http",
    ) -> None:
        """Remember a call; parameters and result do not change from now on."""

        def said() -> Said:
            decoded = self._describe(method, params)
            clean = {self._hide(name): self._clean(name, value) for name, value in decoded.items()}
            return clean, self._clean("", result)

        self.total += 1
        self._calls.append(
            Call(
                said() if params.files else said,  # no file is kept for the journal's sake
                bot=bot,
                method=self._hide(method)[:_TEXT_MAX_CHARS],
                ok=ok,
                error_code=error_code,
                description=None if description is None else self._hide(description),
                at=at,
                answered=answered,
                via=via,
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
