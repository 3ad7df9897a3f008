"""A dot for each thing that took time, and a line for the time that it may take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from neonpay.web.charts.drawing import Number, grid, joined, nothing, per_cent, plot
from neonpay.web.charts.scale import scale
from neonpay.web.filled import filled

_ROOM: Final = 1.15


@dataclass(frozen=True, slots=True)
class Dot:
    """One thing.

    Attributes:
        place: when in the period, from 0 to 1.
        seconds: how long it took.
        words: what a pointer is told.
    """

    place: float
    seconds: float
    words: str


def dots(each: Sequence[Dot], *, limit_s: int, limit: str, label: str, number: Number, empty: str) -> Markup:
    """The chart: seconds from zero to a little more than the slowest took.

    Args:
        limit_s: where the line is; it is drawn where the slowest comes near it.
        limit: what is written at it.
        label: what a screen reader says of the whole of it.
        number: how numbers are written.
        empty: the sentence when there are none.
    """
    axis = scale(max(1, math.ceil(max((dot.seconds for dot in each), default=0) * _ROOM)))
    drawn = [grid(axis, number)]
    if axis.top >= limit_s:
        line = per_cent(axis.y(limit_s))
        drawn.append(filled('<line class="limit" x1="0" x2="100%" y1="{0}" y2="{0}"/>', line))
        drawn.append(filled('<text class="limit-name" x="100%" y="{}" dy="-6">{}</text>', line, limit))
    drawn += [
        filled(
            '<circle class="{}" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>',
            "dot late" if dot.seconds >= limit_s else "dot",
            per_cent(dot.place * 100),
            per_cent(axis.y(dot.seconds)),
            dot.words,
        )
        for dot in each
    ]
    if not each:
        drawn.append(nothing(empty))
    return plot("dots", label, joined(drawn), is_read=False)
