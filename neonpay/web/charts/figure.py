"""A chart with all that stands around it: the title, the reading above it, the key, the definition, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the key: the class of its swatch, ``k1`` to ``k7``, and what it stands for."""

    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Table:
    """The same figures to read: the heads of the columns, and rows of which the first cell is the head."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """What the macro ``chart`` of ``charts.html`` lays out.

    Attributes:
        name: an id that is its own on the page.
        title: what is drawn, with its unit of time.
        plot: the drawing.
        figure: the reading while nothing is pointed at; None when it is not known.
        words: what it says beside that.
        definition: what is counted, in what unit, on which day, in which zone.
        key: what the marks mean; none for a single series.
        is_stars: the reading has a star.
        is_signed: a gain is read with a plus.
        notes: what else has to be known, as missing values or coarser buckets.
    """

    name: str
    title: str
    plot: Markup
    figure: int | None
    words: str
    definition: str
    table: Table
    key: Sequence[Key] = ()
    is_stars: bool = False
    is_signed: bool = False
    notes: Sequence[str] = ()
