"""Several bots of one program open ledgers of their own at the same moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from neonpay.ledger import open_ledger
from neonpay.store.signing_keys import bots

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.testing.postgres import PostgresServer
    from tests.integration.ledger.conftest import OpenLedger


async def test_new_files_that_are_opened_at_once_get_each_their_own_tables(tmp_path: Path, opened: OpenLedger) -> None:
    ledgers = [opened(f"sqlite:///{tmp_path}/{number}.db") for number in range(6)]
    await asyncio.gather(*[ledger.open() for ledger in ledgers])
    for ledger in ledgers:
        assert await ledger.read(bots) == []


async def test_new_databases_that_are_opened_at_once_get_each_their_own_tables(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    urls = [postgres_server.create_database() for _ in range(3)]
    ledgers = [open_ledger(url) for url in (*urls, f"sqlite:///{tmp_path}/one.db")]
    try:
        await asyncio.gather(*[ledger.open() for ledger in ledgers])
        for ledger in ledgers:
            assert await ledger.read(bots) == []
    finally:
        for ledger in ledgers:
            await ledger.close()
        for url in urls:
            postgres_server.drop_database(url)
