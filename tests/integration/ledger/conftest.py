"""A table of notes, and ledgers that a test opens in its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import sqlalchemy as sa

from neonpay.ledger import Insert, Ledger, Statement, Transaction, open_ledger

_notes = sa.Table("notes", sa.MetaData(), sa.Column("name", sa.Text, primary_key=True), sa.Column("words", sa.Text))
_INSERT = Insert(_notes, "name", "words")
_NAMES = Statement(sa.select(_notes.c.name))
OpenLedger = Callable[..., Ledger]


class Notes:
    """Units of work on the table."""

    @staticmethod
    def start(transaction: Transaction) -> None:
        """Make the table, and write the note that has to survive."""
        _notes.create(transaction.connection)
        transaction.insert(_INSERT, ("recorded before", ""))

    @staticmethod
    def write(transaction: Transaction, name: str, words: str = "") -> int:
        return transaction.insert(_INSERT, (name, words))

    @staticmethod
    def names(transaction: Transaction) -> set[str]:
        return {name for (name,) in transaction.rows(_NAMES)}


@pytest.fixture
def notes() -> type[Notes]:
    return Notes


@pytest.fixture
async def opened() -> AsyncIterator[OpenLedger]:
    """``open_ledger``, whose ledgers are closed when the test ends."""
    ledgers: list[Ledger] = []

    def make(database_url: str, **options: float) -> Ledger:
        ledgers.append(open_ledger(database_url, **options))  # type: ignore[arg-type]  # busy_timeout_s is all that is given
        return ledgers[-1]

    yield make
    for ledger in ledgers:
        await ledger.close()


@pytest.fixture
def copied_from(
    request: pytest.FixtureRequest, copied_from: Callable[[str], str | None]
) -> Callable[[str], str | None]:
    """Nothing, but where how a ledger makes its tables is no part of what is tested."""
    has_tables = request.path.stem in {
        "test_views",
        "test_postgresql_faults",
        "test_reports_apart",
        "test_database_url",
    }
    return copied_from if has_tables else lambda _engine: None
