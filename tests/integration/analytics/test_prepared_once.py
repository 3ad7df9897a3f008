"""What SQLite is asked again and again it prepares once, as long as no parameter decides about a partial index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from neonpay.analytics.measures import Measure, rows_of
from neonpay.analytics.new_events import IS_NEW, NAMES
from neonpay.ledger import Statement, open_ledger
from neonpay.ledger.statement import arguments

_DIALECT = SQLiteDialect_pysqlite()


@pytest.mark.parametrize("measure", Measure)
def test_what_a_measure_counts_is_prepared_once(measure: Measure, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/shop.db")
    ledger.open_sync()
    ledger.close_sync()
    compiled = Statement(rows_of(measure, IS_NEW), *NAMES).compiled(_DIALECT)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as raw:
        if not raw.execute("SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_STMTVTAB'").fetchone():
            pytest.skip("this SQLite does not tell of its statements")
        for last in range(1, 6):
            raw.execute(compiled.sql, arguments(compiled, (42, 0, last))).fetchall()
        (again,) = raw.execute("SELECT reprep FROM sqlite_stmt WHERE sql = ?", (compiled.sql,)).fetchone()
    assert again == 0
