"""Everything of a bot goes from one database to another whole, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.books.transfer import Moved, move
from neonpay.errors import ConfigurationError, LedgerError
from neonpay.ledger import open_ledger
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import journal, numbered_until, payments, seals
from tests.integration.books.conftest import sell_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from neonpay.ledger import Ledger
    from tests.integration.books.conftest import Books
    from tests.integration.conftest import Shop


@pytest.fixture
async def target(other_url: str) -> AsyncIterator[Ledger]:
    ledger = open_ledger(other_url)
    yield ledger
    await asyncio.to_thread(ledger.close_sync)


async def moves(url: str, target: Ledger, bot_id: int, **options: bool) -> list[Moved]:
    """Move as a command does: in a thread without an event loop, from a ledger that nobody else uses."""

    def work() -> list[Moved]:
        source = open_ledger(url, as_it_is=True)
        try:
            return move(source, target, bot_ids=[bot_id], note=lambda *_: None, **options)
        finally:
            source.close_sync()

    return await asyncio.to_thread(work)


async def test_everything_arrives_and_the_chain_goes_on(
    books: Books, database_url: str, target: Ledger, other_url: str, open_books: Callable[[str, int], Books]
) -> None:
    await books.seal(most_events=4)
    before = await books.proof()
    (moved,) = await moves(database_url, target, books.bot_id)
    assert (moved.proof.head, moved.stars, moved.proof.payments) == (before.head, 100, 4)
    await asyncio.to_thread(target.close_sync)

    there = open_books(other_url, books.bot_id)
    for table in set(metadata.sorted_tables) - {numbered_until}:
        query = sa.select(table)
        assert sorted(map(repr, await there.rows(query))) == sorted(map(repr, await books.rows(query))), table.name
    assert (await there.proof(before.head)).is_clean
    await there.ledger.close()


async def test_a_shop_goes_on_where_it_was(
    shop: Shop, database_url: str, target: Ledger, other_url: str, open_shop: Callable[..., Shop]
) -> None:
    await sell_everything(shop)
    await shop.aclose()
    await moves(database_url, target, shop.neonpay.program.adapter.bot_id)
    await asyncio.to_thread(target.close_sync)
    shop = open_shop(database_url=other_url)
    shop.neonpay.on_payment(stage="vip", name="deliver")(lambda: None)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor("Bob"))
        await shop.delivers(outcome)
        proof = await shop.neonpay.books.verify()
    assert (proof.is_clean, proof.payments) == (True, 5)


async def test_a_target_that_has_the_bot_is_refused(books: Books, database_url: str, target: Ledger) -> None:
    await moves(database_url, target, books.bot_id)
    with pytest.raises(LedgerError, match="move into a database that has none"):
        await moves(database_url, target, books.bot_id)


async def test_books_that_do_not_add_up_are_refused_unless_they_are_wanted(
    books: Books, database_url: str, target: Ledger
) -> None:
    await books.run(sa.update(payments).values(amount_stars=7))
    with pytest.raises(LedgerError, match="do not add up"):
        await moves(database_url, target, books.bot_id)
    (moved,) = await moves(database_url, target, books.bot_id, despite_findings=True)
    assert moved.proof.findings_count == 6


async def test_nothing_is_kept_when_the_source_changes_meanwhile(
    books: Books, database_url: str, target: Ledger
) -> None:
    """The bot still runs: a seller's row appears between the first and the last look at the source."""
    row = (await books.rows(sa.select(payments).limit(1)))[0]
    later = dict(zip([column.name for column in payments.columns], row, strict=True)) | {"charge_id": "late"}

    def work() -> list[Moved]:
        source = open_ledger(database_url, as_it_is=True)
        another = open_ledger(database_url)
        written: list[int] = []

        def note(table: str, done: int, total: int) -> None:
            if not written:
                written.append(another.run_sync(lambda t: t.connection.execute(sa.insert(payments), [later]).rowcount))

        try:
            return move(source, target, bot_ids=[books.bot_id], note=note)
        finally:
            source.close_sync()
            another.close_sync()

    with pytest.raises(LedgerError, match="something still runs on it"):
        await asyncio.to_thread(work)
    left = await asyncio.to_thread(target.read_sync, _rows_everywhere)
    assert left == 0


async def test_only_the_bot_that_is_named_is_moved(books: Books, database_url: str, target: Ledger) -> None:
    await books.run(
        sa.insert(journal).values(
            [{"bot_id": 77, "event_id": "f" * 32, "account": name, "amount_stars": 0, "at": 1} for name in ("a", "b")]
        )
    )
    await moves(database_url, target, books.bot_id)
    bots = await asyncio.to_thread(
        target.read_sync, lambda t: t.connection.execute(sa.select(journal.c.bot_id).distinct()).scalars().all()
    )
    assert bots == [books.bot_id]


async def test_two_postgresql_databases_are_told_to_use_what_postgresql_has(postgres_url: str) -> None:
    def work() -> None:
        source, target = open_ledger(postgres_url), open_ledger(postgres_url)
        try:
            move(source, target, bot_ids=[1], note=lambda *_: None)
        finally:
            source.close_sync()
            target.close_sync()

    with pytest.raises(ConfigurationError, match="pg_dump"):
        await asyncio.to_thread(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_is_moved_into_another_file(books: Books, database_url: str, tmp_path: Path) -> None:
    await books.seal()
    target = open_ledger(f"sqlite:///{tmp_path / 'copy.db'}")
    (moved,) = await moves(f"{database_url}?mode=ro", target, books.bot_id)
    await asyncio.to_thread(target.close_sync)
    assert moved.proof == replace(await books.proof(), findings=())


def _rows_everywhere(transaction: object) -> int:
    connection = transaction.connection  # type: ignore[attr-defined]
    return sum(
        connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in (payments, journal, seals)
    )
