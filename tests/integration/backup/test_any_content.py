"""Whatever a row has in it: both engines make the same line of it, and the same row of that line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.backup.filling import Filling
from neonpay.backup.manifest import SavedTable
from neonpay.backup.reading import lines_of
from neonpay.backup.tables import Kept
from neonpay.ledger import Transaction, open_ledger

EXAMPLES = 25
odd = sa.Table(
    "neonpay_odd",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("words", sa.Text),
    sa.Column("stars", sa.BigInteger),
    sa.Column("secret", sa.LargeBinary),
    sa.Column("is_odd", sa.Boolean),
)
# PostgreSQL keeps no NUL, and the ledger takes it out of every text.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["\\.", "\\N", "\t\n\r\b\f\v\x7f\x01\x02", '"],["', "\u2028\u0085", "null", "'"]
)
whole = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(
    st.tuples(
        texts,
        whole,
        texts | st.none(),
        whole | st.none(),
        st.binary(max_size=20) | st.none(),
        st.booleans() | st.none(),
    ),
    max_size=12,
    unique_by=lambda row: row[:2],
)


def test_any_row_comes_back_through_any_form_and_engine(sqlite_url: str, postgres_url: str) -> None:
    kept = Kept.of(odd)
    with ExitStack() as ends:
        ledgers = [open_ledger(url) for url in (sqlite_url, postgres_url)]
        for ledger in ledgers:
            ends.callback(ledger.close_sync)
            ledger.run_sync(lambda transaction: odd.create(transaction.connection))

        def wrote(transaction: Transaction, given_rows: Sequence[tuple[Any, ...]]) -> None:
            transaction.connection.execute(sa.delete(odd))
            if given_rows:
                names = [column.name for column in odd.columns]
                values = [dict(zip(names, row, strict=True)) for row in given_rows]
                transaction.connection.execute(sa.insert(odd), values)

        def read(transaction: Transaction) -> tuple[list[bytes], list[bytes]]:
            lines = [line for some in lines_of(transaction, kept, "json") for line in some]
            if transaction.connection.dialect.name == "sqlite":
                return lines, []
            return lines, [line for some in lines_of(transaction, kept, "postgresql") for line in some]

        def filled(transaction: Transaction, lines: Sequence[bytes], form: Any) -> set[tuple[Any, ...]]:
            transaction.connection.execute(sa.delete(odd))
            saved = SavedTable(name=kept.name, columns=kept.columns, kinds=kept.kinds, rows=0, chunks=(), key=kept.key)
            parts = [b"\n".join(lines) + b"\n"] if lines else []
            filling = Filling(odd, saved, form, {}, lambda: parts)
            if lines:
                filling.add(transaction)
            filling.prove(transaction)
            return {tuple(row) for row in transaction.connection.execute(sa.select(odd))}

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(rows)
        def holds(given_rows: list[tuple[Any, ...]]) -> None:
            for ledger in ledgers:
                ledger.run_sync(wrote, given_rows)
            (from_sqlite, _), (from_postgresql, copied) = [ledger.read_sync(read) for ledger in ledgers]
            assert from_sqlite == from_postgresql
            by_key = sorted(given_rows, key=lambda row: (row[0].encode(), row[1]))
            assert from_sqlite == [msgspec.json.encode(_as_json(row)) for row in by_key]
            for ledger in ledgers:
                assert ledger.run_sync(filled, from_sqlite, "json") == set(given_rows)
            assert ledgers[1].run_sync(filled, copied, "postgresql") == set(given_rows)

        holds()


def _as_json(row: Sequence[Any]) -> list[object]:
    return [
        value.hex() if isinstance(value, bytes) else int(value) if isinstance(value, bool) else value for value in row
    ]
