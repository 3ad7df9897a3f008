"""How long something took, in two units at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import timedelta

    from neonpay.web.speech import Speech

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_TEN: Final = 10


def duration(w: Speech, length: timedelta) -> str:
    """``182 ms``, ``2.6 s``, ``46 s``, ``5 h 12 min``, ``3 d 4 h``; what is shorter than nothing counts as nothing."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 1:
        return w("time.ms", n=round(seconds * 1000))
    if seconds < _TEN and seconds % 1:
        text = f"{seconds:.1f}"
        return w("time.s", n=text.replace(".", ",") if w.language == "ru" else text)
    whole = int(seconds)
    if whole < _MINUTE:
        return w("time.s", n=whole)
    if whole < _HOUR:
        return _two(w, "min", whole // _MINUTE, "s", whole % _MINUTE if whole < _TEN * _MINUTE else 0)
    if whole < _DAY:
        return _two(w, "h", whole // _HOUR, "min", whole % _HOUR // _MINUTE)
    return _two(w, "d", whole // _DAY, "h", whole % _DAY // _HOUR)


def _two(w: Speech, large: str, number: int, small: str, rest: int) -> str:
    first = w(f"time.{large}", n=w.number(number))
    return f"{first} {w(f'time.{small}', n=rest)}" if rest else first
