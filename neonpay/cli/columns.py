"""Tables that fit the terminal: columns give up what they can spare, and what is cut ends with "…"."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

import typer

from neonpay.core.charge_ids import SHORT_CHARS

_GAP: Final = "  "
_INDENT: Final = "    "
_CUT: Final = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        least: cells that it keeps when the terminal is narrow; None when it is never cut.
        gives: its turn to give cells up, the smallest first.
        may_go: whether it is left out where even that is not enough, the last one first.
        is_number: whether it stands to the right.
        folds: whether what does not fit goes on in more lines, and is not cut.
        colours: of its words on a terminal that shows colours.
    """

    title: str
    least: int | None = None
    gives: int = 0
    may_go: bool = False
    is_number: bool = False
    folds: bool = False
    colours: Mapping[str, str] = field(default_factory=dict)


def terminal_width() -> int | None:
    """Cells in a line of the terminal that standard output is; None for a pipe or a file, where nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(sentence: str) -> None:
    """Print a sentence, in more lines where the terminal is narrow."""
    for line in folded(sentence, terminal_width()):
        typer.echo(line)


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under the titles of their columns."""
    for line in laid_out(columns, rows, width=terminal_width()):
        typer.echo(line)


def print_with_remarks(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str, remarks: Sequence[str], *, whole: bool = False
) -> None:
    """Print rows, and what is to be said of some of them: beside them where all of that fits, else below each.

    Args:
        title: of the remarks, when they are a column.
        whole: whether a remark below goes on in more lines; otherwise it is cut.
    """
    width = terminal_width()
    if width is None or max(map(cells, map(shown, remarks)), default=0) <= room_for(columns, rows, width):
        beside = [[*row, remark] for row, remark in zip(rows, remarks, strict=True)]
        columns = [*columns, Column(title=title)] if any(remarks) else columns
        lines = laid_out(columns, beside if any(remarks) else rows, width=width)
    else:
        lines = laid_out(columns, rows, notes=remarks, whole=whole, width=width)
    for line in lines:
        typer.echo(line)


def laid_out(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    notes: Sequence[str] = (),
    whole: bool = False,
    width: int | None,
) -> list[str]:
    """The lines of a table; see ``print_with_remarks``."""
    table = [[column.title for column in columns], *[[shown(cell) for cell in row] for row in rows]]
    natural = [max(cells(row[number]) for row in table) for number in range(len(columns))]
    kept, widths = _fitted(columns, natural, width)
    columns = [columns[n] for n in kept]
    found = [_styled(_line(columns, [table[0][n] for n in kept], widths, is_title=True), bold=True)]
    for number, row in enumerate(table[1:]):
        found += _lines(columns, [row[n] for n in kept], widths)
        if number < len(notes) and notes[number]:
            room = None if width is None else width - len(_INDENT)
            said = shown(notes[number])
            found += [_INDENT + part for part in (folded(said, room) if whole else [cut(said, room)])]
    return found


def room_for(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> int:
    """Cells that are left for another column when a table has given up all it can."""
    table = [[column.title for column in columns], *[[shown(cell) for cell in row] for row in rows]]
    natural = [max(cells(row[number]) for row in table) for number in range(len(columns))]
    least = [
        size if column.least is None or column.folds else min(size, column.least)
        for column, size in zip(columns, natural, strict=True)
    ]
    return width - sum(least) - len(_GAP) * len(columns)


def id_chars(ids: Sequence[str], *, least: int = SHORT_CHARS, most: int = 40) -> int:
    """How many characters it takes to tell ids apart, ``least`` at least."""
    for chars in range(least, most):
        if len({one[:chars] for one in ids}) == len(set(ids)):
            return chars
    return most


def shown(text: str) -> str:
    """Text of other people in one line that cannot steer a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def cells(text: str) -> int:
    """How wide a terminal draws it."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def cut(text: str, width: int | None) -> str:
    """The text in so many cells, with "…" for what does not fit."""
    if width is None or cells(text) <= width:
        return text
    found, left = [], width - 1
    for char in text:
        left -= _cells(char)
        if left < 0:
            break
        found.append(char)
    return "".join(found).rstrip() + _CUT


def folded(text: str, width: int | None) -> list[str]:
    """The text in lines of so many cells, broken between words where that is possible."""
    if width is None or cells(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and cells(lines[-1]) + 1 + cells(word) <= width:
            lines[-1] += f" {word}"
            continue
        lines += [""] if lines[-1] else []
        for char in word:
            if cells(lines[-1]) + _cells(char) > width:
                lines.append("")
            lines[-1] += char
    return lines


def _cells(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _fitted(columns: Sequence[Column], natural: Sequence[int], width: int | None) -> tuple[list[int], list[int]]:
    """The columns that stay, and how wide each is."""
    kept = list(range(len(columns)))
    while True:
        widths = [natural[number] for number in kept]
        over = 0 if width is None else sum(widths) + len(_GAP) * (len(kept) - 1) - width
        for place in sorted(range(len(kept)), key=lambda place: columns[kept[place]].gives):
            least = columns[kept[place]].least
            if over > 0 and least is not None and widths[place] > least:
                given = min(over, widths[place] - least)
                widths[place] -= given
                over -= given
        spare = [number for number in kept if columns[number].may_go]
        if over <= 0 or not spare:
            return kept, widths
        kept.remove(spare[-1])


def _lines(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """A row: one line, and more where a cell goes on."""
    parts = [
        folded(cell, width) if column.folds else [cell]
        for column, cell, width in zip(columns, row, widths, strict=True)
    ]
    return [_line(columns, one, widths) for one in zip_longest(*parts, fillvalue="")]


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], *, is_title: bool = False) -> str:
    found = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        text = cut(cell, width)
        filling = " " * (width - cells(text))
        if not is_title and cell in column.colours:
            text = _styled(text, fg=column.colours[cell])
        found.append(filling + text if column.is_number else text + filling)
    return _GAP.join(found).rstrip()


def _styled(text: str, *, bold: bool | None = None, fg: str | None = None) -> str:
    is_plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if is_plain else typer.style(text, bold=bold, fg=fg)
