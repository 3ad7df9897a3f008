"""One stroke that tapers from all to those who are left."""

from __future__ import annotations

from markupsafe import Markup

from neonpay.web.charts.drawing import short
from neonpay.web.filled import filled


def stroke(share: float) -> Markup:
    """The stroke for a share from 0 to 1; its number stands beside it, so no reader is told of it twice."""
    half = 9 * min(1.0, max(0.0, share))
    return filled(
        '<svg class="spark" viewBox="0 0 96 22" aria-hidden="true"><path class="taper" d="M0 2L96 {}V{}L0 20Z"/></svg>',
        short(11 - half),
        short(11 + half),
    )
