"""Figures that are not whole, and seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from neonpay.core.transactions import NANOSTARS
from neonpay.web.marks import stars

if TYPE_CHECKING:
    from neonpay.web.speech import Speech


def amount(w: Speech, value: float | None) -> Markup | str:
    """A mean of Stars: whole with its glyph, else to one digit; the word for what is not known."""
    if value is None:
        return w("overview.unknown")
    if value == int(value):
        return stars(w, int(value))
    return decimal(w, value)


def decimal(w: Speech, value: float, *, digits: int = 1) -> str:
    """A number to so many digits, as the language writes it."""
    scale = 10**digits
    parts = round(abs(value) * scale)
    sign = "\N{MINUS SIGN}" if value < 0 and parts else ""
    return f"{sign}{w.number(parts // scale)}{_point(w)}{parts % scale:0{digits}d}"


def nanostars(w: Speech, value: int) -> str:
    """Stars with what is less than one, as far as there is any; it appears only where facts are told."""
    whole, rest = divmod(abs(value), NANOSTARS)
    tail = f"{_point(w)}{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}{w.number(whole)}{tail}".replace("-", "\N{MINUS SIGN}")


def _point(w: Speech) -> str:
    return "," if w.language == "ru" else "."
