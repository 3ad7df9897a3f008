"""From a database URL to a ledger, or to a sentence that says what to write instead."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.errors import ConfigurationError, LedgerUnavailableError
from neonpay.ledger import Transaction, open_ledger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("database_url", "words"),
    [
        ("sqlite://", "give database_url a file"),
        ("sqlite:///:memory:", "give database_url a file"),
        ("mysql://shop:s3cret@db/shop", "no ledger for 'mysql'"),
        ("memory", 'for tests, is "memory:"'),
        ("memory:?keep=s3cret", 'for tests, is "memory:"'),
        ("s3cret", "is not a URL"),
        ("", "is not a URL"),
        ("postgresql://shop:s3cret@db:port/shop", "is not a URL"),
        ("postgresql://shop@db:s3cret/shop", "is not a URL"),
    ],
)
def test_a_url_that_no_ledger_serves_is_told_without_showing_it(database_url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        open_ledger(database_url)
    assert "s3cret" not in "".join(traceback.format_exception_only(refused.value))
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgres"])
async def test_every_way_to_write_postgresql_means_the_same(scheme: str) -> None:
    ledger = open_ledger(f"{scheme}://shop:s3cret@db/shop")
    assert repr(ledger) == "<PostgresqlLedger shop>"
    await ledger.close()


async def test_a_ledger_shows_its_name_and_no_secret() -> None:
    ledger = open_ledger("sqlite:////var/lib/shop/neonpay.db")
    assert repr(ledger) == "<SqliteLedger neonpay.db>"
    await ledger.close()


async def test_a_tool_makes_no_ledger(database_url: str, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.db"
    for url in (database_url, f"sqlite:///{nowhere}"):
        ledger = open_ledger(url, as_it_is=True)
        with pytest.raises(LedgerUnavailableError):
            await ledger.open()
        await ledger.close()
    with pytest.raises(LedgerUnavailableError):
        await open_ledger(f"sqlite:///{nowhere}?mode=ro").open()


async def test_a_tool_upgrades_no_ledger(database_url: str) -> None:
    def set_back(transaction: Transaction) -> None:
        transaction.connection.execute(sa.text("UPDATE neonpay_schema SET version_num = '0001'"))

    made = open_ledger(database_url)
    await made.run(set_back)
    await made.close()
    tool = open_ledger(database_url, as_it_is=True)
    with pytest.raises(LedgerUnavailableError, match="start the bot with this release once"):
        await tool.open()
    await tool.close()


async def test_a_tool_opens_the_ledger_of_this_release(database_url: str) -> None:
    made = open_ledger(database_url)
    await made.open()
    tool = open_ledger(database_url, as_it_is=True)
    assert await tool.read(lambda transaction: transaction.connection.execute(sa.select(sa.literal(1))).scalar()) == 1
    await tool.close()
    await made.close()
