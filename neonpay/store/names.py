"""Names that Telegram tells of somebody, as every database keeps them."""

from __future__ import annotations

from typing import Final

from neonpay.core.text import fit

_NAME_MAX_CHARS: Final = 64


def fit_name(name: str | None) -> str | None:
    """The name as it is kept and found again; None for none."""
    return fit(name, _NAME_MAX_CHARS) if name else None
