"""Every event gets one number, whenever it is written and whatever its id, and those that wait for it are found at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.analytics.marks import newer
from neonpay.core.clock import moment
from neonpay.core.events import PaymentCompleted
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import events, numbered_until
from neonpay.store.entries import publish
from neonpay.store.persons_events import of_person
from neonpay.store.sequence import last_number, newest_unnumbered, number_events, unnumbered_ids

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.ledger import Ledger, Transaction
    from tests.integration.books.conftest import Books

PERSON = 7


def tell(transaction: Transaction, bot_id: int, *event_ids: str) -> None:
    publish(
        transaction,
        *[PaymentCompleted(bot_id=bot_id, event_id=event_id, at=moment(1), user_id=PERSON) for event_id in event_ids],
    )


def number(transaction: Transaction, bot_id: int, most: int = 256) -> list[str]:
    return number_events(transaction, bot_id, most=most)


async def waiting(books: Books) -> list[str]:
    return sorted(row[0] for row in await books.rows(unnumbered_ids(books.bot_id)))


async def test_an_event_with_an_older_id_than_ones_with_numbers_waits_for_its_own_like_all_others(books: Books) -> None:
    await books.ledger.run(tell, books.bot_id, "y5", "y6")
    await books.ledger.run(number, books.bot_id)
    last = await books.ledger.read(last_number, books.bot_id)
    await books.ledger.run(tell, books.bot_id, "y4", "y7")
    assert await waiting(books) == ["y4", "y7"]
    for condition in (
        newest_unnumbered(books.bot_id, 5),
        sa.and_(*of_person(books.bot_id, PERSON), events.c.event_id.not_in(["y5", "y6"])),
        sa.or_(*newer({books.bot_id: last})),
    ):
        found = await books.rows(sa.select(events.c.event_id).where(condition).order_by(events.c.event_id))
        assert found == [("y4",), ("y7",)]
    assert await books.ledger.run(number, books.bot_id) == ["y4", "y7"]
    given_out = sa.select(events.c.event_id, events.c.number).where(events.c.event_id.in_(["y4", "y7"]))
    assert sorted(await books.rows(given_out)) == [("y4", last + 1), ("y7", last + 2)]
    assert await waiting(books) == []


async def test_what_is_written_late_takes_part_in_batches_that_are_smaller_than_what_waits(books: Books) -> None:
    await books.ledger.run(tell, books.bot_id, "y5")
    await books.ledger.run(number, books.bot_id)
    await books.ledger.run(tell, books.bot_id, "y1", "y2", "y3", "y6", "y7", "y8")
    batches = [await books.ledger.run(number, books.bot_id, 2) for _ in range(4)]
    assert batches == [["y1", "y2"], ["y3", "y6"], ["y7", "y8"], []]


async def test_an_idle_bot_is_not_written_to(books: Books) -> None:
    await books.ledger.run(number, books.bot_id)
    before = await books.rows(sa.select(numbered_until))
    assert await books.ledger.run(number, books.bot_id) == []
    assert await books.rows(sa.select(numbered_until)) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_ledger_that_was_filled_with_numbered_events_is_read_through_once(books: Books) -> None:
    await books.ledger.run(number, books.bot_id)
    await books.run(sa.delete(numbered_until))  # which no backup has
    assert await waiting(books) == []
    assert await books.ledger.run(number, books.bot_id) == []
    newest = await books.rows(sa.select(sa.func.max(events.c.event_id)).where(events.c.bot_id == books.bot_id))
    assert await books.rows(sa.select(numbered_until.c.event_id)) == newest


async def test_what_a_program_of_before_writes_gets_its_number(books: Books) -> None:
    await books.ledger.run(tell, books.bot_id, "y5")
    await books.ledger.run(number, books.bot_id)
    told = [{"bot_id": books.bot_id, "event_id": event_id, "name": "promised", "at": 1} for event_id in ("y4", "y6")]
    await books.run(sa.insert(events).values(told))  # without the column that says how it is found
    assert await waiting(books) == ["y4", "y6"]
    await books.ledger.run(tell, books.bot_id, "y7")
    assert await books.ledger.run(number, books.bot_id, 2) == ["y4", "y6"]
    assert await books.ledger.run(number, books.bot_id) == ["y7"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_in_postgresql_all_that_wait_are_in_the_index_also_those_of_a_file_that_had_none(books: Books) -> None:
    numbered = [
        {"bot_id": books.bot_id, "event_id": f"x{place:05}", "name": "promised", "at": 1, "number": 1_000 + place}
        for place in range(5_000)
    ]
    await books.run(sa.insert(events).values(numbered), sa.text("ANALYZE neonpay_events"))
    await books.ledger.run(tell, books.bot_id, "y1")
    moved = {"bot_id": books.bot_id, "event_id": "y2", "name": "promised", "at": 1, "is_indexed": None}
    await books.run(sa.insert(events).values([moved]))
    assert {"y1", "y2"} <= set(await waiting(books))
    text = str(unnumbered_ids(books.bot_id).compile(compile_kwargs={"literal_binds": True}))
    plan = " ".join([row[0] for row in await books.rows(sa.text(f"EXPLAIN {text}"))])
    assert plan.count("neonpay_events_unnumbered") == 2
    assert "neonpay_events_pkey" not in plan


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_looking_for_events_without_a_number_does_not_read_them_all(books: Books) -> None:
    text = str(unnumbered_ids(books.bot_id).compile(compile_kwargs={"literal_binds": True}))
    plan = " ".join(row[-1] for row in await books.rows(sa.text(f"EXPLAIN QUERY PLAN {text}")))
    assert "neonpay_events_unnumbered (bot_id=? AND is_indexed=? AND number=?)" in plan
    assert "PRIMARY KEY (bot_id=? AND event_id>?)" in plan


_STEPS = st.lists(
    st.one_of(
        st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True),  # events of these ids are written
        st.integers(1, 5),  # so many get numbers
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(steps=_STEPS)
def test_whatever_the_order_every_event_gets_one_number_and_none_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[int] | int]
) -> None:
    folder: Path = tmp_path_factory.mktemp("numbering")
    ledger = open_ledger(f"sqlite:///{folder / 'neonpay.db'}")
    try:
        _write_and_number(ledger, steps)
    finally:
        ledger.close_sync()


def _write_and_number(ledger: Ledger, steps: list[list[int] | int]) -> None:
    written: set[str] = set()
    numbered: list[str] = []
    for step in steps:
        if isinstance(step, list):
            ids = [f"{one:02}" for one in step]
            ledger.run_sync(tell, 42, *ids)
            written |= set(ids)
        else:
            due = sorted(written - set(numbered))[:step]
            numbered += (batch := ledger.run_sync(number, 42, step))
            assert sorted(batch) == due
        assert ledger.read_sync(_waiting) == sorted(written - set(numbered))
    while batch := ledger.run_sync(number, 42, 3):
        numbered += batch
    in_order = sa.select(events.c.event_id).where(events.c.number.is_not(None)).order_by(events.c.number)
    assert [
        row[0] for row in ledger.read_sync(lambda transaction: transaction.connection.execute(in_order).all())
    ] == numbered
    assert sorted(numbered) == sorted(written)
    assert ledger.read_sync(last_number, 42) == len(written)


def _waiting(transaction: Transaction) -> list[str]:
    return sorted([str(row[0]) for row in transaction.connection.execute(unnumbered_ids(42))])
