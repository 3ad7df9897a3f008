"""Rows for several tables, written in one go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from neonpay.ledger import Insert, Inserts, Ledger, Transaction

_TABLES = sa.MetaData()
_lines = sa.Table("lines", _TABLES, sa.Column("id", sa.Integer, primary_key=True), sa.Column("words", sa.Text))
_marks = sa.Table("marks", _TABLES, sa.Column("id", sa.Integer, primary_key=True), sa.Column("later", sa.BigInteger))
_INSERTS = Inserts(
    # Its values are not in the order of the columns of the statement, and one of them is computed.
    Insert(_marks, "later", "id", computed={"later": lambda given: given + sa.literal_column("1000")}),
    Insert(_lines, "id", "words"),
)


@pytest.mark.parametrize(("marks", "lines"), [(0, 0), (1, 1), (0, 3), (5, 0), (7, 6), (130, 70)])
async def test_each_table_gets_its_rows_whatever_their_number(
    database_url: str, opened: Callable[..., Ledger], marks: int, lines: int
) -> None:
    ledger = opened(database_url)
    await ledger.open()

    def write(transaction: Transaction) -> None:
        _TABLES.create_all(transaction.connection)
        transaction.insert_all(
            _INSERTS, [(number, -number) for number in range(marks)], [(number, str(number)) for number in range(lines)]
        )

    await ledger.run(write)
    assert await ledger.read(_rows, _marks) == [(-number, number + 1000) for number in reversed(range(marks))]
    assert await ledger.read(_rows, _lines) == [(number, str(number)) for number in range(lines)]


async def test_a_row_whose_key_is_there_stays_as_it_is_beside_the_others(
    database_url: str, opened: Callable[..., Ledger]
) -> None:
    ledger = opened(database_url)
    await ledger.open()

    def write(transaction: Transaction) -> None:
        _TABLES.create_all(transaction.connection)
        transaction.insert_all(_INSERTS, [(1, 1)], [(1, "first")])
        transaction.insert_all(_INSERTS, [(2, 2)], [(1, "again"), (2, "second")])

    await ledger.run(write)
    assert await ledger.read(_rows, _marks) == [(1, 1001), (2, 1002)]
    assert await ledger.read(_rows, _lines) == [(1, "first"), (2, "second")]


def _rows(transaction: Transaction, table: sa.Table) -> list[tuple[object, ...]]:
    return [tuple(row) for row in transaction.connection.execute(sa.select(table).order_by(table.c.id))]
