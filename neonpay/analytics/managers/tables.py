"""Reports as CSV that no spreadsheet takes for formulas: one figure a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from neonpay.books.paper import cell
from neonpay.core.jsontext import JsonValue

_COLUMNS: Final = ("section", "item", "figure", "value")


def as_csv(report: Mapping[str, JsonValue]) -> str:
    """A report as lines of ``section,item,figure,value``, in the order of the report."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for section, value in report.items():
        for item, figure, one in _lines(value):
            writer.writerow([cell(section), cell(item), cell(figure), cell(one)])
    return file.getvalue()


Line = tuple[str, str, str | int | float | bool | None]


def _lines(value: JsonValue) -> Iterator[Line]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping):
                yield from ((name, figure, one) for figure, one in _flat(inner))
            elif isinstance(inner, Sequence) and not isinstance(inner, str):
                yield from ((_name_of(each, name), figure, one) for each in inner for figure, one in _flat(each))
            else:
                yield "", name, inner
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from ((_name_of(each, ""), figure, one) for figure, one in _flat(each))
    else:
        yield "", "", value


def _flat(value: JsonValue) -> Iterator[tuple[str, str | int | float | bool | None]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            for figure, one in _flat(inner):
                yield f"{name}.{figure}" if figure else name, one
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, inner in enumerate(value):
            for figure, one in _flat(inner):
                yield f"{place}.{figure}" if figure else str(place), one
    else:
        yield "", value


def _name_of(each: JsonValue, otherwise: str) -> str:
    if isinstance(each, Mapping):
        for key in ("product_id", "bot_id"):
            if key in each:
                return str(each[key])
    return otherwise
