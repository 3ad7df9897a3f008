"""What the query of a PostgreSQL URL says, in libpq's words where libpq has one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import create_neonpay
from neonpay.errors import ConfigurationError, LedgerUnavailableError
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.connecting import Connecting
from tests.integration.ledger.proxy import Proxy

if TYPE_CHECKING:
    from pathlib import Path

OpenLedger = Callable[..., Ledger]


def setting(name: str) -> Callable[[Transaction], str]:
    return lambda transaction: str(transaction.connection.scalar(sa.text(f"SHOW {name}")))


def with_query(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


async def test_a_url_as_hosts_print_it_connects_and_shows_its_name(postgres_url: str, opened: OpenLedger) -> None:
    ledger = opened(with_query(postgres_url, "sslmode=prefer&application_name=shop&pool_size=2"))
    assert await ledger.read(setting("application_name")) == "shop"


async def test_a_server_without_encryption_is_not_used_where_it_is_required(
    postgres_url: str, opened: OpenLedger
) -> None:
    async with Proxy(postgres_url) as proxy:  # over TCP; a socket of this machine is never encrypted
        await opened(f"{proxy.url}?sslmode=disable").open()
        with pytest.raises(LedgerUnavailableError):
            await opened(f"{proxy.url}?sslmode=require").open()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sslmode=maybe", "sslmode in database_url is one of disable, allow"),
        ("pool_size=0", "pool_size in database_url is a whole number from 1 to 1000"),
        ("pool_size=many", "pool_size in database_url is a whole number from 1 to 1000"),
        ("channel_binding=require", "channel_binding in database_url is nothing that neonpay knows; there are: "),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_connects(query: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        open_ledger(f"postgresql://shop:secret@db.example/shop?{query}")


def test_the_size_of_the_pool_is_that_of_the_url() -> None:
    url, connecting = Connecting.of(sa.make_url("postgresql+asyncpg://shop@db.example/shop?pool_size=3"))
    assert (dict(url.query), connecting.pool_size, connecting.pool(url).engine.pool.size()) == ({}, 3, 3)  # type: ignore[attr-defined]


def test_the_size_of_the_pool_is_said_beside_the_url_or_in_it_and_not_twice_differently() -> None:
    url = "postgresql://shop:secret@db.example/shop"
    open_ledger(url, pool_size=3)
    open_ledger(f"{url}?pool_size=3", pool_size=3)
    with pytest.raises(ConfigurationError, match="pool_size is 3, and database_url says 5") as refused:
        open_ledger(f"{url}?pool_size=5", pool_size=3)
    assert "secret" not in str(refused.value)


async def test_a_shop_keeps_as_many_connections_as_it_is_told(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEONPAY_POOL_SIZE", "2")
    named = with_query(postgres_url, "application_name=neonpay-pool")
    count = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'neonpay-pool'")
    shop = create_neonpay("42:" + "A" * 35, database_url=named, reconcile_every_s=None)
    async with shop:
        ledger = shop.program.pipeline.ledger
        seen = await asyncio.gather(
            *[ledger.read(lambda transaction: transaction.connection.scalar(count)) for _ in range(12)]
        )
    assert max(seen) == 2


@pytest.mark.parametrize("given", ["argument", "variable"])
def test_sqlite_has_no_pool(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    if given == "variable":
        monkeypatch.setenv("NEONPAY_POOL_SIZE", "4")
    with pytest.raises(ConfigurationError, match="SQLite has one writer"):
        create_neonpay("42:" + "A" * 35, database_url=sqlite_url, pool_size=4 if given == "argument" else None)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("pool_size=4", "SQLite has one writer"),
        ("timeout=soon", "timeout in database_url is a number of seconds"),
        ("timeout=-1", "timeout in database_url is a number of seconds"),
        ("timeout=nan", "timeout in database_url is a number of seconds"),
        ("mode=RO", "write .mode=ro to only read"),
    ],
)
def test_what_the_url_of_a_file_says_wrongly_is_told(sqlite_url: str, query: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        open_ledger(f"{sqlite_url}?{query}")


async def test_certificates_that_cannot_be_read_are_told_with_their_file(tmp_path: Path) -> None:
    missing = tmp_path / "root.crt"
    with pytest.raises(ConfigurationError, match=f"cannot read the certificates in {missing}"):
        await open_ledger(f"postgresql://shop@127.0.0.1:1/shop?sslmode=verify-full&sslrootcert={missing}").open()


@pytest.mark.parametrize(("mode", "asks_for_the_name"), [("verify-full", True), ("verify-ca", False)])
def test_a_certificate_is_verified_as_the_mode_says(mode: str, asks_for_the_name: bool) -> None:
    authorities = ssl.get_default_verify_paths().cafile
    if authorities is None:
        pytest.skip("this machine has no file of certificates")
    _, connecting = Connecting.of(
        sa.make_url(f"postgresql+asyncpg://db.example/shop?sslmode={mode}&sslrootcert={authorities}")
    )
    context = connecting._ssl  # noqa: SLF001 - what the driver is given
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, asks_for_the_name)
