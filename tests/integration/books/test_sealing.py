"""Journal entries are chained in batches, and no payment waits for the chain."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

import neonpay
from neonpay.books.sealing import GENESIS, Sealer, seal_all, seal_next
from neonpay.core.clock import moment
from neonpay.core.events import PaymentCompleted
from neonpay.errors import LeaseLostError
from neonpay.ledger.tables import events, journal, seals
from neonpay.store.entries import publish, write_entry
from neonpay.store.periodic import PeriodicStore
from neonpay.store.sequence import last_number, number_events
from tests.integration.books.conftest import sell_everything
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Transaction
    from tests.integration.books.conftest import Books
    from tests.integration.conftest import MovableClock, Shop

PACKAGE = Path(neonpay.__file__).parent


def earn(transaction: Transaction, bot_id: int, event_id: str) -> None:
    publish(transaction, PaymentCompleted(bot_id=bot_id, event_id=event_id, at=moment(1)))
    write_entry(transaction, {"stars": 5, "revenue": -5}, bot_id=bot_id, event_id=event_id, at_us=1)


async def test_everything_is_sealed_once(books: Books) -> None:
    assert await books.seal() == 16
    assert await books.seal() == 0
    proof = await books.proof()
    assert (proof.seals, proof.sealed_rows, proof.unsealed_rows, proof.findings) == (1, 16, 0, ())


async def test_sealing_does_not_go_on_for_as_long_as_somebody_buys(books: Books) -> None:
    sealing = asyncio.create_task(books.seal())
    sold = 0
    while not sealing.done() and sold < 200:
        await books.ledger.run(earn, books.bot_id, f"sold-{sold:03}")
        sold += 1
    await sealing
    assert sold < 200
    assert len(await books.rows(sa.select(seals.c.number))) == 1


async def test_whoever_gives_numbers_seals(books: Books) -> None:
    assert await books.ledger.run(seal_next, books.bot_id, 8) == 8
    assert 0 < (await books.proof()).sealed_rows < 16
    await books.ledger.run(seal_all, books.bot_id)
    assert (await books.proof()).sealed_rows == 16
    assert await books.seal() == 0


async def test_what_has_a_number_and_no_seal_is_sealed_when_somebody_asks_for_it(books: Books) -> None:
    await books.seal(most_events=4)
    await books.ledger.run(earn, books.bot_id, "e" * 32)
    await books.ledger.run(number_events, books.bot_id, most=100)
    assert await books.seal() == 0
    sealer = Sealer(books.ledger, books.bot_id)
    assert (await sealer.seal_left_out(), await sealer.seal_left_out()) == (2, 0)
    proof = await books.proof()
    assert (proof.sealed_rows, proof.unsealed_rows) == (18, 0)


def test_nothing_but_sealing_gives_numbers() -> None:
    named = {
        path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "number_events" in path.read_text()
    }
    assert named == {"books/sealing.py", "store/sequence.py"}


async def test_no_entry_is_divided_between_two_seals(books: Books) -> None:
    assert await books.seal(most_events=4) == 16
    numbers = sa.func.count(journal.c.seal.distinct())
    divided = sa.select(journal.c.event_id).group_by(journal.c.event_id).having(numbers > 1)
    assert await books.rows(divided) == []
    chain = await books.rows(sa.select(seals.c.number, seals.c.rows).order_by(seals.c.number))
    assert [number for number, _ in chain] == list(range(1, len(chain) + 1))
    assert len(chain) > 1
    assert sum(rows for _, rows in chain) == 16
    assert (await books.proof()).is_clean


async def test_a_stranger_can_compute_the_chain_from_what_the_documentation_says(books: Books) -> None:
    await books.seal(most_events=3)
    previous = GENESIS
    at_us = sa.type_coerce(seals.c.sealed_at, sa.BigInteger)
    chain = await books.rows(sa.select(seals.c.number, at_us, seals.c.previous_hash, seals.c.hash).order_by("number"))
    for number, sealed_at_us, previous_hash, sealed in chain:
        assert previous_hash == previous
        row_at_us = sa.type_coerce(journal.c.at, sa.BigInteger)
        columns = (journal.c.event_id, journal.c.account, journal.c.amount_stars, journal.c.nanostars, row_at_us)
        rows = sorted(await books.rows(sa.select(*columns).where(journal.c.seal == number)))
        lines = [[books.bot_id, number, sealed_at_us, previous_hash], *map(list, rows)]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert previous == sealed
    assert (await books.proof()).head == previous


async def test_events_are_numbered_without_a_gap_in_the_order_in_which_they_became_visible(books: Books) -> None:
    await books.seal(most_events=5)
    await books.ledger.run(earn, books.bot_id, "0" * 32)
    assert await books.ledger.read(last_number, books.bot_id) == len(await books.rows(sa.select(events.c.event_id))) - 1
    await books.seal()
    rows = await books.rows(sa.select(events.c.number, events.c.event_id).order_by(events.c.number))
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    assert rows[-1][1] == "0" * 32


async def test_an_entry_that_is_older_than_what_is_sealed_is_sealed_later(books: Books) -> None:
    await books.seal()
    await books.ledger.run(earn, books.bot_id, "0" * 32)
    assert (await books.proof()).unsealed_rows == 2
    assert await books.seal() == 2
    assert (await books.proof()).unsealed_rows == 0


async def test_bots_in_one_database_have_chains_of_their_own(books: Books) -> None:
    await books.ledger.run(earn, 77, "f" * 32)
    assert await books.seal() == 16
    other = Sealer(books.ledger, 77)
    assert await other.seal() == 2
    assert await books.rows(sa.select(seals.c.previous_hash).distinct()) == [(GENESIS,)]


async def test_sealers_at_the_same_time_make_one_chain(books: Books) -> None:
    sealers = [Sealer(books.ledger, books.bot_id, most_events=1) for _ in range(4)]
    done = await asyncio.gather(*(sealer.seal() for sealer in sealers), return_exceptions=True)
    assert all(isinstance(outcome, int | LeaseLostError) for outcome in done)
    await books.seal()
    proof = await books.proof()
    assert (proof.findings, proof.sealed_rows, proof.unsealed_rows) == ((), 16, 0)


async def test_a_turn_remembers_the_newest_seal(books: Books) -> None:
    duties = PeriodicStore(books.ledger, books.bot_id, new_token=iter(range(1, 9)).__next__)
    sealer = Sealer(books.ledger, books.bot_id, most_events=4)
    turn = await duties.take(sealer.task.name, early=True)
    assert turn is not None
    await sealer.work(turn)
    await duties.end(turn, next_in_s=0)
    again = await duties.take(sealer.task.name, early=True)
    assert again is not None
    assert again.position == 4


async def test_a_worker_that_lost_its_turn_seals_nothing(books: Books) -> None:
    duties = PeriodicStore(books.ledger, books.bot_id, new_token=iter(range(1, 9)).__next__)
    sealer = Sealer(books.ledger, books.bot_id)
    turn = await duties.take(sealer.task.name, early=True)
    assert turn is not None
    books.clock.advance(3600)
    assert await duties.take(sealer.task.name) is not None
    with pytest.raises(LeaseLostError):
        await sealer.work(turn)
    assert (await books.proof()).sealed_rows == 0


async def test_a_shop_seals_its_journal_while_it_runs(
    shop: Shop, query: Callable[..., Any], clock: MovableClock
) -> None:
    charges = await sell_everything(shop)
    clock.advance(60)
    async with shop.neonpay:
        async with asyncio.timeout(100):
            while (await shop.neonpay.books.verify()).unsealed_rows:
                await between_looks()
        proof = await shop.neonpay.books.verify()
    assert (proof.is_clean, proof.payments) == (True, len(charges))
    assert proof.head == (await query(sa.select(seals.c.hash).order_by(seals.c.number.desc())))[0][0]


async def test_a_program_may_seal_before_it_keeps_the_head(shop: Shop) -> None:
    await sell_everything(shop)
    async with shop.neonpay:
        await shop.neonpay.books.seal()
        kept = (await shop.neonpay.books.verify()).head
        assert kept is not None
        assert (await shop.neonpay.books.verify(head=kept)).is_clean
        assert not (await shop.neonpay.books.verify(head="0" * 64)).is_clean
