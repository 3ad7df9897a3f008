"""From a database URL to a ledger, or to a sentence that says what to write instead."""

from __future__ import annotations

import traceback

import pytest

from neonpay.errors import ConfigurationError
from neonpay.ledger import open_ledger


@pytest.mark.parametrize(
    ("database_url", "words"),
    [
        ("sqlite://", "give database_url a file"),
        ("sqlite:///:memory:", "give database_url a file"),
        ("mysql://shop:s3cret@db/shop", "no ledger for 'mysql'"),
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
