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

STOPS: Final = 5
PAID: Final = 3
"""Which stop is the one where Stars move."""
STRETCH: Final = 84.0
"""Between two stops of the upright one, in pixels: as high as a stop beside it is on a phone."""
_ACROSS: Final = (1000.0, 112.0)
_UPRIGHT: Final = (STOPS * STRETCH, 84.0)
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
    """The drawing of five counts, of which none is greater than the one before it is drawn; both ways.

    Args:
        label: what a screen reader says instead of it: all counts.
    """
    if len(counts) != STOPS:
        msg = f"a stream has {STOPS} stops, not {len(counts)}"
        raise ValueError(msg)
    return joined(
        Markup(
            '<svg class="stream {}" viewBox="{}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        ).format("upright" if way.is_upright else "across", way.box, label, _drawn(counts, way))
        for way in (_Way(*_ACROSS, is_upright=False), _Way(*_UPRIGHT, is_upright=True))
    )


def blank_stream() -> Markup:
    """The trace with hollow stops, for a shop to which nothing has happened yet."""
    return joined([_blank(is_upright=False), _blank(is_upright=True)])


def _drawn(counts: Sequence[int], way: _Way) -> Markup:
    whole = max(1, *counts)
    half = [max(1.5 if count else 0.75, count / whole * way.thick / 2) for count in counts]
    stops = joined(
        Markup('<path class="{}" d="M{}L{}"/>').format(
            "stop au-edge" if place >= PAID else "stop",
            way.at(place * way.length / STOPS + 0.75, way.middle - max(8.0, thick)),
            way.at(place * way.length / STOPS + 0.75, way.middle + max(8.0, thick)),
        )
        for place, thick in enumerate(half)
    )
    return joined([_shape(half, 0, PAID, "ink", way), _shape(half, PAID, STOPS - 1, "au", way), stops])


def _shape(half: Sequence[float], first: int, last: int, kind: str, way: _Way) -> Markup:
    """The body of the stream from one stop to another, one edge there and the other back."""
    stretch = way.length / STOPS
    there, back = "", ""
    for place in range(first, last + 1):
        start, end = place * stretch, (place + 1) * stretch
        flat = end if place == STOPS - 1 else start + stretch * _FLAT
        upper, lower = way.middle - half[place], way.middle + half[place]
        if place == last and place < STOPS - 1:  # the next shape begins here
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
    return Markup('<path class="{}" d="{}{}Z"/>').format(kind, there, back)


def _blank(*, is_upright: bool) -> Markup:
    def at(place: float) -> tuple[str, str]:
        along = f"{short(place * STRETCH)}" if is_upright else per_cent(place * 100 / STOPS)
        return ("0", along) if is_upright else (along, "0")

    hollow = [Markup('<circle class="hollow" cx="20" cy="20" r="6"/>')] * PAID
    hollow.append(Markup('<path class="hollow star" transform="translate(20 20) scale(2.2)" d="{}"/>').format(_STAR))
    hollow.append(Markup('<rect class="hollow" x="13" y="13" width="14" height="14" rx="3"/>'))
    stops = joined(
        Markup('<svg class="col" x="{}" y="{}">{}</svg>').format(*at(place), shape)
        for place, shape in enumerate(hollow)
    )
    end = short((STOPS - 1) * STRETCH + 14)
    ends = ("20", end) if is_upright else ("81%", "20")
    thread = Markup('<line class="thread" x1="20" x2="{}" y1="20" y2="{}"/>').format(*ends)
    return Markup('<svg class="stream blank {}" aria-hidden="true">{}{}</svg>').format(
        "upright" if is_upright else "across", thread, stops
    )
