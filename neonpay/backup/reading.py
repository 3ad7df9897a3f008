"""The rows of a table as lines of JSON, which the database itself makes where it does so exactly."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from neonpay.backup.ahead import ahead
from neonpay.backup.copy_statement import copied_out
from neonpay.backup.kinds import Form
from neonpay.backup.manifest import Kind
from neonpay.backup.tables import Kept
from neonpay.backup.values import changed, from_json, read_as, to_json
from neonpay.ledger import Transaction

ROWS_AT_A_TIME: Final = 500
_MOST_ARGUMENTS: Final = 100
"""A function of SQLite has 127 at most, and older ones 100."""
_IN_SQLITE: Final[Mapping[Kind, Callable[[str], str]]] = MappingProxyType(
    {
        "int": lambda name: name,
        "text": lambda name: name,
        "bool": lambda name: name,
        "bytes": lambda name: f"CASE WHEN {name} IS NOT NULL THEN lower(hex({name})) END",
    }
)
_IN_POSTGRESQL: Final[Mapping[Kind, Callable[[str], str]]] = MappingProxyType(
    {
        "int": lambda name: f"coalesce({name}::text, 'null')",
        "text": lambda name: f"coalesce(to_json({name})::text, 'null')",
        "bool": lambda name: f"coalesce({name}::int::text, 'null')",
        "bytes": lambda name: f"""coalesce('"' || encode({name}, 'hex') || '"', 'null')""",
    }
)
"""Byte for byte as the other engine, and msgspec, write it."""
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(list[Any])


def is_in_one_order(kept: Kept) -> bool:
    """Whether the rows have the same order in every engine."""
    return bool(kept.key) and _is_made_there(kept)


def lines_of(transaction: Transaction, kept: Kept, form: Form, *, is_sorted: bool = True) -> Iterator[list[bytes]]:
    """Every row in order, as a line without its end, some at a time.

    Args:
        is_sorted: whether in the order of its key, and not in the one in which the database has them, which may be any.
    """
    connection = transaction.connection
    if not is_sorted and connection.dialect.name != "sqlite":
        kept = replace(kept, key=0)
    if _is_copied(connection, kept, form):
        yield from _in_lines(_copied(connection, kept, form))
    elif not _is_made_there(kept):
        yield from _made_here(connection, kept)
    else:
        yield from _from_sqlite(connection, kept, is_sorted=is_sorted)


def parts_of(transaction: Transaction, kept: Kept, form: Form) -> Iterator[bytes]:
    """Every row in the order in which the database has them, as a line with its end; the parts end anywhere."""
    connection = transaction.connection
    if _is_copied(connection, kept, form):
        yield from _copied(connection, replace(kept, key=0), form)
        return
    for some in lines_of(transaction, kept, form, is_sorted=False):
        yield b"\n".join(some) + b"\n"


def _is_made_there(kept: Kept) -> bool:
    return _IN_SQLITE.keys() >= set(kept.kinds) and len(kept.columns) <= _MOST_ARGUMENTS


def _from_sqlite(connection: sa.Connection, kept: Kept, *, is_sorted: bool) -> Iterator[list[bytes]]:
    quote = connection.dialect.identifier_preparer.quote
    names = [quote(name) for name in kept.columns]
    values = ", ".join(_IN_SQLITE[kind](name) for name, kind in zip(names, kept.kinds, strict=True))
    keys = ", ".join(names[: kept.key])
    order = f" ORDER BY {keys}" if kept.key else ""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection), "the driver of SQLite"
    table = quote(kept.name)
    is_sliced = bool(kept.key) and not any(kept.table.c[name].nullable for name in kept.columns[: kept.key])
    if is_sliced and _comes_in_order(raw, f"SELECT * FROM {table}{order} LIMIT 1"):  # noqa: S608
        after = f"({keys}) > ({', '.join('?' * kept.key)})"
        select = f"SELECT json_array({values}) AS line FROM {table}"  # noqa: S608
        yield from ahead(_slices(raw, kept, select, after, order))
        return
    # Bytes, which are never decoded on their way into a file.
    select = f"SELECT CAST(json_array({values}) AS BLOB) FROM {table}"  # noqa: S608
    cursor = raw.execute(f"{select}{order}" if is_sorted else select)
    try:
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            yield [row[0] for row in rows]
    finally:
        cursor.close()


def _comes_in_order(raw: sqlite3.Connection, query: str) -> bool:
    """Whether some index has the rows in the order that is asked for, or nearly so."""
    return not any(row[3] == "USE TEMP B-TREE FOR ORDER BY" for row in raw.execute(f"EXPLAIN QUERY PLAN {query}"))


def _slices(raw: sqlite3.Connection, kept: Kept, select: str, after: str, order: str) -> Iterator[list[bytes]]:
    """Some rows at a time, each time by one statement: for each row by itself the driver takes the interpreter anew."""
    how = from_json(kept.kinds[: kept.key])
    most = ROWS_AT_A_TIME
    last: tuple[Any, ...] = ()
    while True:
        where = f" WHERE {after}" if last else ""
        some = f"SELECT CAST(group_concat(line, char(10)) AS BLOB) FROM ({select}{where}{order} LIMIT {most})"  # noqa: S608
        try:
            (found,) = raw.execute(some, last).fetchone()
        except sqlite3.DataError:  # too much for one value
            if most == 1:
                raise
            most //= 2
            continue
        if found is None:
            return
        lines = found.split(b"\n")
        yield lines
        last = changed(_decoder.decode(lines[-1])[: kept.key], how)


def _is_copied(connection: sa.Connection, kept: Kept, form: Form) -> bool:
    return form == "postgresql" or (connection.dialect.name == "postgresql" and _is_made_there(kept))


def _copied(connection: sa.Connection, kept: Kept, form: Form) -> Iterator[bytes]:
    if form == "postgresql":
        query = _ordered(connection, kept, _names(connection, kept))
        return copied_out(connection, query, format="text")
    columns = zip(_names(connection, kept), kept.kinds, strict=True)
    values = " || ',' || ".join(_IN_POSTGRESQL[kind](name) for name, kind in columns)
    query = _ordered(connection, kept, [f"'[' || {values} || ']'"])
    # CSV leaves text without control characters as it is.
    return copied_out(connection, query, format="csv", quote="\x01", delimiter="\x02")


def _names(connection: sa.Connection, kept: Kept) -> list[str]:
    quote = connection.dialect.identifier_preparer.quote
    return [quote(name) for name in kept.columns]


def _ordered(connection: sa.Connection, kept: Kept, values: Sequence[str]) -> str:
    # As SQLite orders texts, whatever the database's own order is.
    names = zip(_names(connection, kept)[: kept.key], kept.kinds, strict=False)
    keys = [f'{name} COLLATE "C"' if kind == "text" else name for name, kind in names]
    table = connection.dialect.identifier_preparer.quote(kept.name)
    query = f"SELECT {', '.join(values)} FROM {table}"  # noqa: S608
    return f"{query} ORDER BY {', '.join(keys)}" if keys else query


def _in_lines(parts: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for first in range(0, len(lines), ROWS_AT_A_TIME):
            yield lines[first : first + ROWS_AT_A_TIME]


def _made_here(connection: sa.Connection, kept: Kept) -> Iterator[list[bytes]]:
    columns = [read_as(kept.table.c[name], kind) for name, kind in zip(kept.columns, kept.kinds, strict=True)]
    query = sa.select(*columns).order_by(*[kept.table.c[name] for name in kept.columns[: kept.key]])
    how = to_json(kept.kinds)
    result = connection.execute(query.execution_options(yield_per=ROWS_AT_A_TIME))
    for rows in result.partitions():
        yield [_encoder.encode(changed(row, how)) for row in rows]
