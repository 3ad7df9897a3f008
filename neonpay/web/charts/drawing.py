"""What the charts have in common: numbers as attributes want them, the grid, labels below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from markupsafe import Markup

from neonpay.web.charts.scale import Scale
from neonpay.web.filled import filled

Number = Callable[[int], str]
"""How a whole number is written in the language of the reader."""

LABELS_WIDE: Final = 7
LABELS_NARROW: Final = 3


def short(value: float) -> str:
    """A number with three digits behind the point at most."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def per_cent(value: float) -> str:
    """A length along an edge."""
    return f"{short(value)}%"


def joined(parts: Iterable[Markup]) -> Markup:
    """Pieces of a drawing beside each other."""
    return Markup("").join(parts)


def grid(axis: Scale, number: Number, *, labels: bool = True) -> Markup:
    """The lines of an axis; zero is drawn stronger. Without ``labels`` only zero has one."""
    return joined(
        filled(
            '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>{}',
            "grid" if value else "zero",
            per_cent(axis.y(value)),
            per_cent(axis.y(value)),
            filled('<text class="value" x="-10" dy="4" y="{}">{}</text>', per_cent(axis.y(value)), number(value))
            if labels or not value
            else Markup(""),
        )
        for value in axis.lines
    )


def labels_below(labels: Sequence[str], *, last_is_open: bool) -> Markup:
    """The words below the buckets: as many as fit, fewer on a phone, and always that of the unfinished one."""
    total = len(labels)
    each = max(1, -(-total // LABELS_WIDE))
    rare = each * max(1, -(-total // (each * LABELS_NARROW)))
    last = total - 1
    drawn = []
    for place in range(total):
        # Counted from the end, so that the newest is never the one that is left out.
        back = last - place
        if last_is_open and place == last:
            drawn.append(filled('<text class="tick end" x="100%" y="100%" dy="19">{}</text>', labels[place]))
        elif back % each == 0 and not (last_is_open and back < max(1, each * 0.6)):
            middle = per_cent((place + 0.5) / total * 100)
            # Beside the words for the unfinished one there is room on a wide page alone.
            kind = "tick hide-md" if last_is_open and back == each else "tick"
            kind = kind if back % rare == 0 else f"{kind} hide-sm"
            drawn.append(filled('<text class="{}" x="{}" y="100%" dy="19">{}</text>', kind, middle, labels[place]))
    return joined(drawn)


def nothing(words: str) -> Markup:
    """The sentence that stands where the marks would be."""
    return filled('<text class="none" x="50%" y="50%">{}</text>', words)


def plot(kind: str, label: str, content: Markup, *, is_read: bool = True) -> Markup:
    """The drawing around its marks.

    Args:
        kind: a class beside ``plot``.
        label: what a screen reader says instead of it.
        is_read: whether the arrow keys move through it.
    """
    return filled(
        '<svg class="plot fluid {}" role="img" aria-label="{}"{}>{}</svg>',
        kind,
        label,
        Markup(' tabindex="0" data-chart=""') if is_read else Markup(""),
        content,
    )


def bucket(place: int, total: int, content: Markup, reading: Markup) -> Markup:
    """A bucket of time: its marks, all of its height to point at, and what is read there."""
    return filled(
        '<svg class="col" x="{}" width="{}" height="100%"{}>{}<rect class="hit" width="100%" height="100%"/></svg>',
        per_cent(place / total * 100),
        per_cent(100 / total),
        reading,
        content,
    )


def reading(sign: str, figure: str, unit: str, words: str) -> Markup:
    """What the line above the chart says while a mark is pointed at, as attributes for ``charts.js``."""
    return filled(' data-sign="{}" data-figure="{}" data-unit="{}" data-words="{}"', sign, figure, unit, words)
