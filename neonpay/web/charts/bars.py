"""Bars by bucket of time: what came above zero, what went below it, and the bucket that is not over marked as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from neonpay.web.charts.drawing import Number, bucket, grid, joined, labels_below, nothing, per_cent, plot, reading
from neonpay.web.charts.scale import Scale, scale
from neonpay.web.filled import filled

ABOVE: Final = ("b1", "b2", "b4", "b6")
BELOW: Final = ("b3", "b5")
_SEEN: Final = 1.2
"""Per cent of the height that a bar has at least when it is not zero: what happened must be seen."""
_WIDE: Final = 64.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of time.

    Attributes:
        above: what stands above zero, from the axis up; None when it is not known, which is drawn as a gap.
        below: what hangs below zero, as positive numbers, from the axis down.
        figure: what the reading says, a sum of all that.
        words: what it says beside that: which time, made of what.
        label: the words below it.
        unit: what the figure counts, for a screen reader.
        is_open: the bucket is not over.
    """

    above: tuple[int, ...] | None
    figure: int
    words: str
    label: str
    below: tuple[int, ...] = ()
    unit: str = ""
    is_open: bool = False


def bars(
    each: Sequence[Bar],
    *,
    label: str,
    number: Number,
    empty: str,
    is_signed: bool = False,
    below: Sequence[str] = BELOW,
) -> Markup:
    """The chart.

    Args:
        label: what a screen reader says of the whole of it.
        number: how numbers are written.
        empty: the sentence for buckets in which nothing at all happened.
        is_signed: whether the reading of a gain has a plus.
        below: the classes of what hangs below zero.
    """
    axis = scale(
        max((sum(bar.above or ()) for bar in each), default=0),
        max((sum(bar.below) for bar in each), default=0),
    )
    is_empty = all(not any(bar.above or ()) and not any(bar.below) and bar.above is not None for bar in each)
    names = labels_below([bar.label for bar in each], last_is_open=bool(each) and each[-1].is_open)
    if is_empty:
        return plot("bars", label, joined([grid(axis, number, labels=False), names, nothing(empty)]), is_read=False)
    columns = (
        bucket(
            place,
            len(each),
            _column(bar, axis, below),
            reading(_sign(bar.figure, is_signed=is_signed), number(abs(bar.figure)), bar.unit, bar.words),
        )
        for place, bar in enumerate(each)
    )
    return plot("bars", label, joined([grid(axis, number), *columns, names]))


def _column(bar: Bar, axis: Scale, below: Sequence[str]) -> Markup:
    zero = axis.y(0)
    if bar.above is None:
        return filled('<line class="missing" x1="18%" x2="82%" y1="{0}" y2="{0}"/>', per_cent(zero))
    drawn: list[Markup] = []
    sum_above = sum_below = 0
    for kind, value in zip(ABOVE, bar.above, strict=False):
        if value > 0:
            # Only the lowest part is kept visible by force; one above it would push the others.
            high = axis.height(value) if sum_above else max(axis.height(value), _SEEN)
            seam = [_seam(axis.y(sum_above))] if sum_above else []
            sum_above += value
            drawn += [_rect("open" if bar.is_open else kind, min(axis.y(sum_above), zero - high), high), *seam]
    for kind, value in zip(below, bar.below, strict=False):
        if value > 0:
            drawn.append(_rect(f"down {kind}", axis.y(-sum_below), max(axis.height(value), _SEEN)))
            sum_below += value
    return joined(drawn)


def _rect(kind: str, top: float, height: float) -> Markup:
    return filled(
        '<rect class="mark {}" x="{}" width="{}" y="{}" height="{}" rx="1.5"/>',
        kind,
        per_cent((100 - _WIDE) / 2),
        per_cent(_WIDE),
        per_cent(top),
        per_cent(height),
    )


def _seam(height: float) -> Markup:
    """The light line between two parts of a bar."""
    return filled('<line class="seam" x1="18%" x2="82%" y1="{0}" y2="{0}"/>', per_cent(height))


def _sign(value: int, *, is_signed: bool) -> str:
    if value < 0:
        return "\N{MINUS SIGN}"
    return "+" if is_signed and value else ""
