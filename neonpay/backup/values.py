"""What a value is in every engine, and how JSON has it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from neonpay.backup.manifest import Kind
from neonpay.errors import BackupError
from neonpay.ledger.table_kit import Moment

_TYPES: Final[Mapping[Kind, sa.types.TypeEngine[Any]]] = MappingProxyType(
    {
        "int": sa.BigInteger(),
        "text": sa.Text(),
        "bytes": sa.LargeBinary(),
        "bool": sa.Boolean(),
        "float": sa.Float(),
        "numeric": sa.Numeric(),
        "time": sa.DateTime(),
        "date": sa.Date(),
        "json": sa.JSON(),
        "uuid": sa.Uuid(),
    }
)
_KINDS: Final[Sequence[tuple[type[sa.types.TypeEngine[Any]], Kind]]] = (
    (sa.Boolean, "bool"),
    (Moment, "int"),
    (sa.Integer, "int"),
    (sa.Float, "float"),
    (sa.Numeric, "numeric"),
    (sa.Uuid, "uuid"),
    (sa.JSON, "json"),
    (sa.DateTime, "time"),
    (sa.Date, "date"),
    (sa.LargeBinary, "bytes"),
    (sa.String, "text"),
)
"""The first that a type is one of."""


def kind_of(column: sa.Column[Any]) -> Kind:
    """What the values of a column are.

    Raises:
        BackupError: no backup can keep such values.
    """
    for types, kind in _KINDS:
        if isinstance(column.type, types):
            return kind
    msg = f"column {column.name} of {column.table.name} has type {column.type!r}, which no backup can keep"
    raise BackupError(msg)


def read_as(column: sa.Column[Any], kind: Kind) -> sa.ColumnElement[Any]:
    """A column as it is to be read: whole numbers and text as the driver has them."""
    if kind in {"int", "text"}:
        return sa.type_coerce(column, _TYPES[kind]).label(column.name)
    return column


def written_as(name: str, kind: Kind, types: Mapping[str, sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    """A column as it is to be written, by the type that it has in the database where that matters."""
    if kind in {"int", "text"}:
        return sa.Column(name, _TYPES[kind])
    return sa.Column(name, types.get(name, _TYPES[kind]))


def to_json(kinds: Sequence[Kind]) -> Mapping[int, Callable[[Any], object]]:
    """What turns values into those that JSON has, by their place in a row; what is not there stays as it is."""
    return {place: _TO_JSON[kind] for place, kind in enumerate(kinds) if kind in _TO_JSON}


def from_json(kinds: Sequence[Kind]) -> Mapping[int, Callable[[Any], object]]:
    """The same, back again."""
    return {place: _FROM_JSON[kind] for place, kind in enumerate(kinds) if kind in _FROM_JSON}


def changed(row: Sequence[Any], how: Mapping[int, Callable[[Any], object]]) -> tuple[Any, ...]:
    """A row with some of its values changed; None stays what it is."""
    if not how:
        return tuple(row)
    values = list(row)
    for place, change in how.items():
        if values[place] is not None:
            values[place] = change(values[place])
    return tuple(values)


def _text_of_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


_TO_JSON: Final[Mapping[Kind, Callable[[Any], object]]] = MappingProxyType(
    {
        "bytes": bytes.hex,
        "bool": int,
        "numeric": str,
        "time": datetime.isoformat,
        "date": date.isoformat,
        "json": _text_of_json,
        "uuid": str,
    }
)
_FROM_JSON: Final[Mapping[Kind, Callable[[Any], object]]] = MappingProxyType(
    {
        "bytes": bytes.fromhex,
        "bool": bool,
        "numeric": Decimal,
        "time": datetime.fromisoformat,
        "date": date.fromisoformat,
        "json": json.loads,
        "uuid": uuid.UUID,
    }
)
