"""A line in steps: a state that holds until it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neonpay.web.charts.drawing import Number, bucket, grid, joined, labels_below, nothing, per_cent, plot, reading
from neonpay.web.charts.scale import scale
from neonpay.web.filled import filled


@dataclass(frozen=True, slots=True)
class Step:
    """What held during one bucket of time.

    Attributes:
        value: None when it is not known: the line has a gap there.
        words: what the reading says beside the value.
        label: the words below it.
        unit: what the value counts, for a screen reader.
        is_open: the bucket is not over.
    """

    value: int | None
    words: str
    label: str
    unit: str = ""
    is_open: bool = False


def steps(each: Sequence[Step], *, label: str, number: Number, empty: str) -> Markup:
    """The chart; zero is on its axis.

    Args:
        label: what a screen reader says of the whole of it.
        number: how numbers are written.
        empty: the sentence for a line of which nothing is known.
    """
    known = [step.value for step in each if step.value is not None]
    axis = scale(max(known, default=0))
    names = labels_below([step.label for step in each], last_is_open=bool(each) and each[-1].is_open)
    if not any(known):
        return plot("steps", label, joined([grid(axis, number, labels=False), names, nothing(empty)]), is_read=False)
    drawn = []
    before: int | None = None
    for place, step in enumerate(each):
        marks = Markup("")
        if step.value is not None:
            height = per_cent(axis.y(step.value))
            if before is not None and before != step.value:
                marks += filled('<line class="line" x1="0" x2="0" y1="{}" y2="{}"/>', per_cent(axis.y(before)), height)
            kind = "line unfinished" if step.is_open else "line"
            marks += filled('<line class="{0}" x1="0" x2="100%" y1="{1}" y2="{1}"/>', kind, height)
            marks += filled('<circle class="here" cx="50%" cy="{}" r="4"/>', height)
        before = step.value
        figure = "" if step.value is None else number(step.value)
        drawn.append(bucket(place, len(each), marks, reading("", figure, step.unit, step.words)))
    return plot("steps", label, joined([grid(axis, number), *drawn, names]))
