"""A server that accepts and does not answer: every wait ends by itself, while it is still silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay.errors import ConfigurationError, LedgerUnavailableError
from neonpay.ledger import Ledger, Statement, open_ledger
from tests.integration.ledger.proxy import Proxy

OpenLedger = Callable[..., Ledger]
LONG_S = 60


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(postgres_url) as proxy:
        yield proxy


async def test_opening_ends(proxy: Proxy, opened: OpenLedger) -> None:
    ledger = opened(f"{proxy.url}?connect_timeout=0.5")
    proxy.black_out()
    async with asyncio.timeout(LONG_S):
        with pytest.raises(LedgerUnavailableError, match="did not answer"):
            await ledger.open()
    assert proxy.is_black


@pytest.mark.parametrize("reading", [False, True])
async def test_a_unit_ends_when_answers_stop_and_the_next_one_works_when_they_come_again(
    proxy: Proxy, opened: OpenLedger, notes: Any, reading: bool
) -> None:
    ledger = opened(f"{proxy.url}?connect_timeout=0.5&command_timeout=0.5")
    await ledger.run(notes.start)
    proxy.black_out()
    async with asyncio.timeout(LONG_S):
        with pytest.raises(LedgerUnavailableError):
            await (ledger.read(notes.names) if reading else ledger.run(notes.write, "lost"))
    assert proxy.is_black
    proxy.light_up()
    assert await ledger.run(notes.write, "new") == 1
    assert await ledger.read(notes.names) >= {"recorded before", "new"}


async def test_a_unit_ends_when_every_connection_is_taken(proxy: Proxy, opened: OpenLedger, notes: Any) -> None:
    ledger = opened(f"{proxy.url}?connect_timeout=1&command_timeout=1&pool_timeout=0.2")
    await ledger.run(notes.start)
    proxy.black_out()
    async with asyncio.timeout(LONG_S):
        outcomes = await asyncio.gather(*[ledger.run(notes.write, f"{n}") for n in range(20)], return_exceptions=True)
    assert proxy.is_black
    assert {type(outcome) for outcome in outcomes} == {LedgerUnavailableError}


async def test_closing_ends_and_so_does_what_it_waits_for(proxy: Proxy, notes: Any) -> None:
    ledger = open_ledger(proxy.url)
    await ledger.run(notes.start)
    proxy.black_out()
    waiting = asyncio.create_task(ledger.run(notes.write, "new"))
    await asyncio.sleep(0)
    async with asyncio.timeout(LONG_S):
        await ledger.close()
        with pytest.raises(LedgerUnavailableError):
            await waiting
    assert proxy.is_black


async def test_a_cancelled_unit_ends_at_once(proxy: Proxy, opened: OpenLedger, notes: Any) -> None:
    ledger = opened(proxy.url)
    await ledger.run(notes.start)
    proxy.black_out()
    waiting = asyncio.create_task(ledger.run(notes.write, "new"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    async with asyncio.timeout(LONG_S / 3):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert proxy.is_black


@pytest.mark.parametrize("query", ["command_timeout=soon", "connect_timeout=0", "prepared_statements=maybe"])
def test_a_setting_that_means_nothing_is_refused_without_the_password(query: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_ledger(f"postgresql://shop:s3cret-word@127.0.0.1/shop?{query}")
    assert query.partition("=")[0] in str(refused.value)
    assert "s3cret-word" not in str(refused.value)


async def test_a_statement_that_takes_too_long_is_given_up_and_its_answer_is_nobodys(
    proxy: Proxy, opened: OpenLedger, notes: Any
) -> None:
    slow = Statement(sa.text("SELECT pg_sleep(5)"))
    ledger = opened(f"{proxy.url}?command_timeout=0.3")
    await ledger.run(notes.start)
    async with asyncio.timeout(LONG_S):
        with pytest.raises(LedgerUnavailableError):
            await ledger.run(lambda transaction: transaction.rows(slow))
        assert await ledger.read(notes.names) == {"recorded before"}
