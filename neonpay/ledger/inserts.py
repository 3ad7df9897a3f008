"""Rows for several tables that are written in one go: on PostgreSQL one statement, where each table would cost a round trip."""

from __future__ import annotations

from sqlalchemy.engine.interfaces import Dialect

from neonpay.ledger.statement import Compiled, Insert, compiled_sql, renumbered


class Inserts:
    """Inserts into several tables, none of which needs another's rows; nobody is told which of the rows were there already."""

    __slots__ = ("_sized", "each")

    def __init__(self, *each: Insert) -> None:
        self.each = each
        """In the order in which callers give the rows."""
        self._sized: dict[tuple[int, ...], Compiled] = {}

    def compiled(self, dialect: Dialect, sizes: tuple[int, ...]) -> Compiled:
        """The statement that inserts so many rows into each table, in the one dialect that takes several inserts at once."""
        found = self._sized.get(sizes)
        if found is None:
            found = self._sized[sizes] = self._compile(dialect, sizes)
        return found

    def _compile(self, dialect: Dialect, sizes: tuple[int, ...]) -> Compiled:
        parts: list[str] = []
        positions: list[int] = []
        given = 0
        for insert, size in zip(self.each, sizes, strict=True):
            if size:
                one = insert.compiled(dialect, size)
                count = size * insert.width
                parts.append(renumbered(one.sql, len(positions)))
                positions += [given + position for position in one.positions or range(count)]
                given += count
        named = ", ".join([f"part{number} AS ({part})" for number, part in enumerate(parts[:-1])])
        sql = f"WITH {named} {parts[-1]}" if named else parts[-1]
        return compiled_sql(sql, None if positions == list(range(given)) else tuple(positions), ())
