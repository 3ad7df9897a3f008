"""Shops whose PostgreSQL is behind a pooler that gives every transaction another connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.ledger import Insert, Statement, Transaction, open_ledger
from neonpay.simulator import Simulator
from tests.failure.pooler import pooled
from tests.integration.conftest import VIP, Shop

pytestmark = pytest.mark.timeout(300)
BUYERS = 12
SETTINGS = ["", "?prepared_statements=off"]
_notes = sa.Table("notes", sa.MetaData(), sa.Column("name", sa.BigInteger, primary_key=True))
_INSERT = Insert(_notes, "name")
_COUNT = Statement(sa.select(sa.func.count()).select_from(_notes))


@pytest.fixture
async def pooled_url(postgres_url: str, tmp_path: Path) -> AsyncIterator[str]:
    async with pooled(postgres_url, tmp_path) as url:
        yield url


@pytest.mark.parametrize("setting", SETTINGS)
async def test_units_of_several_ledgers_work(pooled_url: str, setting: str, caplog: pytest.LogCaptureFixture) -> None:
    def write(transaction: Transaction, n: int) -> int:
        transaction.connection.execute(sa.select(sa.literal(n)))
        transaction.row(_COUNT)
        return transaction.insert(_INSERT, (n,))

    caplog.set_level(logging.WARNING, logger="neonpay")
    ledgers = [open_ledger(pooled_url + setting) for _ in range(3)]
    try:
        await ledgers[0].run(lambda transaction: _notes.create(transaction.connection))
        work = [ledgers[n % 3].run(write, n) for n in range(90)]
        apart = [ledgers[n % 3].apart.run(write, n) for n in range(90, 120)]
        assert await asyncio.gather(*work, *apart) == [1] * 120
        assert await ledgers[1].read(lambda transaction: transaction.row(_COUNT)) is not None
    finally:
        for ledger in ledgers:
            await ledger.close()
    told = [record for record in caplog.records if "prepared_statements=off" in record.message]
    assert bool(told) == (setting == "")


async def test_no_ledger_runs_what_another_one_has_prepared(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All these statements take and give the same types, so that the answer of a wrong one would look right."""
    n = sa.bindparam("n", type_=sa.BigInteger)
    double, triple = (Statement(sa.select(n * sa.literal_column(factor)), "n") for factor in ("2", "3"))

    def multiply(transaction: Transaction, *statements: Statement) -> list[int]:
        return [transaction.rows(statement, 7)[0][0] for statement in statements]

    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(pooled(postgres_url, tmp_path, connections=2))
        first, second = (open_ledger(url + "?pool_size=1") for _ in range(2))
        stack.push_async_callback(first.close)
        stack.push_async_callback(second.close)
        holders = [await asyncpg.connect(url.replace("+asyncpg", ""), statement_cache_size=0) for _ in range(2)]
        for holder in holders:
            stack.push_async_callback(holder.close)

        counted = vars(asyncpg.connection)["_uid"]
        assert await first.run(multiply, double, triple) == [14, 21]
        # The second is as good as in another process: the driver counts the statements of each from the beginning.
        monkeypatch.setattr(asyncpg.connection, "_uid", counted)
        await holders[0].execute("BEGIN")  # takes the server's connection that the first ledger has used
        assert await second.run(multiply, triple, double) == [21, 14]
        await holders[1].execute("BEGIN")  # and this one that of the second
        await holders[0].execute("COMMIT")
        assert await second.run(multiply, triple, double) == [21, 14]


@pytest.mark.parametrize("setting", SETTINGS)
async def test_the_tables_are_made(postgres_server: Any, tmp_path: Path, setting: str) -> None:
    empty = postgres_server.create_database()
    try:
        async with pooled(empty, tmp_path) as url:
            ledgers = [open_ledger(url + setting) for _ in range(3)]
            await asyncio.gather(*[ledger.open() for ledger in ledgers])
            for ledger in ledgers:
                await ledger.close()
    finally:
        postgres_server.drop_database(empty)


@pytest.mark.parametrize("setting", SETTINGS)
async def test_every_buyer_is_served(pooled_url: str, setting: str) -> None:
    async with Simulator(seed=7) as telegram:
        delivered: list[str | None] = []
        shops = [Shop(telegram, telegram.bot("shop_bot"), database_url=pooled_url + setting) for _ in range(2)]
        for shop in shops:
            shop.neonpay.create_payment_stage("vip", VIP)

            @shop.neonpay.on_payment(name="deliver")
            async def deliver(result: PaymentResult) -> None:
                delivered.append(result.transaction_id)

        async with AsyncExitStack() as stack:
            for shop in shops:
                stack.push_async_callback(shop.aclose)
            await shops[1].neonpay.setup()
            await _serve(telegram, shops)
        assert len(delivered) == len(set(delivered)) == BUYERS


async def _serve(telegram: Simulator, shops: list[Shop]) -> None:
    """Every buyer pays, and what they have paid for is delivered."""
    async with shops[0].polling(handle_as_tasks=True):
        links = [(await shops[n % 2].neonpay.create_payment_link("vip")).link or "" for n in range(BUYERS)]
        buyers = [telegram.user(f"Buyer {n}", stars=100) for n in range(BUYERS)]
        pairs = zip(buyers, links, strict=True)
        outcomes = await asyncio.gather(*[buyer.pays(link, timeout_s=60) for buyer, link in pairs])
        assert [outcome.status for outcome in outcomes] == ["paid"] * BUYERS
        async with asyncio.timeout(100):
            while len(await shops[0].neonpay.payments.list()) < BUYERS:
                await shops[0].settles()
        for outcome in outcomes:
            await shops[0].delivers(outcome)
