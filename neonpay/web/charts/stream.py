"""The stream: the trace of a payment drawn large; its thickness is how many are left at a stop.

It lies across a wide page and stands upright on a phone, so it is drawn twice and the style sheet shows one. Gold begins where
Stars have moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from neonpay.web.charts.drawing import joined, per_cent, short
from neonpay.web.filled import filled

STOPS: Final = frozenset({4, 5})
"""How many stops there may be: of the trace, and before them the look at an offer where looks are counted."""
STRETCH: Final = 108.0
"""Between two stops of the upright one, in pixels: as high as a stop beside it is on a phone."""
_ACROSS: Final = (1000.0, 112.0)
_THICK_UPRIGHT: Final = 84.0
_EDGE: Final = 4.0
_FLAT: Final = 0.46
"""Which part of a stretch keeps its thickness before it narrows."""
_STAR: Final = (
    "M-.44-5.32Q0-6.3.44-5.32L1.6-2.7Q1.82-2.21 2.36-2.15L5.21-1.85Q6.28-1.74 5.48-1.02L3.35.9Q2.95 1.26 3.06 1.78L3.66 4.59"
    "Q3.88 5.64 2.95 5.1L.47 3.67Q0 3.4-.47 3.67L-2.95 5.1Q-3.88 5.64-3.66 4.59L-3.06 1.78Q-2.95 1.26-3.35.9L-5.48-1.02"
    "Q-6.28-1.74-5.21-1.85L-2.36-2.15Q-1.82-2.21-1.6-2.7Z"
)


@dataclass(frozen=True, slots=True)
class _Way:
    """A direction: how long the stream is, how thick at most, and which of the two goes down the page."""

    length: float
    thick: float
    is_upright: bool

    @property
    def middle(self) -> float:
        return self.thick / 2 + _EDGE

    def at(self, along: float, across: float) -> str:
        a, b = short(along), short(across)
        return f"{b} {a}" if self.is_upright else f"{a} {b}"

    @property
    def box(self) -> str:
        across = short(self.thick + 2 * _EDGE)
        return f"0 0 {across} {short(self.length)}" if self.is_upright else f"0 0 {short(self.length)} {across}"


def stream(counts: Sequence[int], *, label: str) -> Markup:
    """The drawing, across and upright; of the counts the last but one is of those who have paid.

    Args:
        label: what a screen reader says instead of it: all counts.

    Raises:
        ValueError: there are not as many counts as a stream has stops.
    """
    if len(counts) not in STOPS:
        msg = f"a stream has 4 or 5 stops, not {len(counts)}"
        raise ValueError(msg)
    ways = (_Way(*_ACROSS, is_upright=False), _Way(len(counts) * STRETCH, _THICK_UPRIGHT, is_upright=True))
    return joined(
        filled(
            '<svg class="stream {}" viewBox="{}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
            _kind(len(counts), is_upright=way.is_upright),
            way.box,
            label,
            _drawn(counts, way),
        )
        for way in ways
    )


def blank_stream(stops: int) -> Markup:
    """The trace with hollow stops, for a shop to which nothing has happened yet."""
    return joined([_blank(stops, is_upright=False), _blank(stops, is_upright=True)])


def _kind(count: int, *, is_upright: bool) -> str:
    return ("upright" if is_upright else "across") + (" four" if count == min(STOPS) else "")


def _drawn(counts: Sequence[int], way: _Way) -> Markup:
    count, whole = len(counts), max(1, *counts)
    paid = count - 2
    half = [max(1.5 if count else 0.75, count / whole * way.thick / 2) for count in counts]
    stops = joined(
        filled(
            '<path class="{}" d="M{}L{}"/>',
            "stop au-edge" if place >= paid else "stop",
            way.at(place * way.length / count + 0.75, way.middle - max(8.0, thick)),
            way.at(place * way.length / count + 0.75, way.middle + max(8.0, thick)),
        )
        for place, thick in enumerate(half)
    )
    return joined([_shape(half, 0, paid, "ink", way), _shape(half, paid, count - 1, "au", way), stops])


def _shape(half: Sequence[float], first: int, last: int, kind: str, way: _Way) -> Markup:
    """The body of the stream from one stop to another, one edge there and the other back."""
    count = len(half)
    stretch = way.length / count
    there, back = "", ""
    for place in range(first, last + 1):
        start, end = place * stretch, (place + 1) * stretch
        flat = end if place == count - 1 else start + stretch * _FLAT
        upper, lower = way.middle - half[place], way.middle + half[place]
        if place == last and place < count - 1:  # the next shape begins here
            there += f"L{way.at(start, upper)}"
            back = f"L{way.at(start, lower)}" + back
            continue
        there += f"{'L' if there else 'M'}{way.at(start, upper)}L{way.at(flat, upper)}"
        back = f"L{way.at(flat, lower)}L{way.at(start, lower)}" + back
        if place < last:
            bend = (flat + end) / 2
            next_upper, next_lower = way.middle - half[place + 1], way.middle + half[place + 1]
            there += f"C{way.at(bend, upper)} {way.at(bend, next_upper)} {way.at(end, next_upper)}"
            back = (
                f"L{way.at(end, next_lower)}C{way.at(bend, next_lower)} {way.at(bend, lower)} {way.at(flat, lower)}"
                + back
            )
    return filled('<path class="{}" d="{}{}Z"/>', kind, there, back)


def _blank(count: int, *, is_upright: bool) -> Markup:
    def at(place: float) -> tuple[str, str]:
        along = f"{short(place * STRETCH)}" if is_upright else per_cent(place * 100 / count)
        return ("0", along) if is_upright else (along, "0")

    hollow = [Markup('<circle class="hollow" cx="10" cy="20" r="6"/>')] * (count - 2)
    hollow.append(filled('<path class="hollow star" transform="translate(10 20) scale(2.2)" d="{}"/>', _STAR))
    hollow.append(Markup('<rect class="hollow" x="3" y="13" width="14" height="14" rx="3"/>'))
    stops = joined(
        filled('<svg class="col" x="{}" y="{}">{}</svg>', *at(place), shape) for place, shape in enumerate(hollow)
    )
    end = short((count - 1) * STRETCH + 14)
    ends = ("10", end) if is_upright else (per_cent((count - 1) * 100 / count + 1), "20")
    thread = filled('<line class="thread" x1="10" x2="{}" y1="20" y2="{}"/>', *ends)
    return filled(
        '<svg class="stream unused {}" aria-hidden="true">{}{}</svg>',
        _kind(count, is_upright=is_upright),
        thread,
        stops,
    )
