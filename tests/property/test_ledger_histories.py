"""Whatever units run together: the database holds what was told to have succeeded, and nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from neonpay.ledger import Insert, Ledger, Statement, Transaction, open_ledger

EXAMPLES = {"sqlite": 30, "postgresql": 10}

accounts = sa.Table(
    "accounts",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("stars", sa.BigInteger, nullable=False),
)
OPEN = Insert(accounts, "name", "stars")
ADD = Statement(
    sa.update(accounts)
    .where(accounts.c.name == sa.bindparam("who"))
    .values(stars=accounts.c.stars + sa.bindparam("more")),
    "who",
    "more",
)
ALL = Statement(sa.select(accounts.c.name, accounts.c.stars).where(accounts.c.stars != 0))


class Unlucky(Exception):  # noqa: N818  # not a fault: the history says so
    """A unit that raises where its history says."""


class Unit(NamedTuple):
    moves: Sequence[tuple[str, int]]
    raises_after: int | None
    """Moves after which the unit raises, when it does."""
    way: str
    """How it is handed in: from the event loop, from a thread, or as an item that may run together with others."""

    @property
    def is_unlucky(self) -> bool:
        return self.raises_after is not None and self.raises_after <= len(self.moves)


# In one order for all, as programs do it that share rows: PostgreSQL would have to end deadlocks otherwise, one a second.
moves = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 5)), max_size=4).map(sorted)
units = st.builds(Unit, moves, st.none() | st.integers(0, 4), st.sampled_from(["loop", "thread", "each"]))


def move(transaction: Transaction, unit: Unit) -> int:
    for done, (name, stars) in enumerate(unit.moves):
        if done == unit.raises_after:
            raise Unlucky
        transaction.insert(OPEN, (name, 0))
        if transaction.execute(ADD, name, stars) != 1:
            msg = "a row that was just written is not there"
            raise AssertionError(msg)
    if unit.is_unlucky:
        raise Unlucky
    return len(unit.moves)


def move_each(transaction: Transaction, together: Sequence[Unit]) -> list[int]:
    return [move(transaction, unit) for unit in together]


def balances(transaction: Transaction) -> dict[str, int]:
    return {str(name): int(stars) for name, stars in transaction.rows(ALL)}


def start(transaction: Transaction) -> None:
    accounts.create(transaction.connection, checkfirst=True)
    transaction.connection.execute(sa.delete(accounts))


class Histories(RuleBasedStateMachine):
    """A ledger and a model of what it must hold."""

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self.url = database_url
        self.runner = asyncio.Runner()
        self.ledger = open_ledger(database_url)
        self.runner.run(self.ledger.run(start))
        self.told: Counter[str] = Counter()

    @rule(together=st.lists(units, max_size=12))
    def run_together(self, together: list[Unit]) -> None:
        outcomes = self.runner.run(_gathered([_handed_in(self.ledger, unit) for unit in together]))
        for unit, outcome in zip(together, outcomes, strict=True):
            if unit.is_unlucky:
                assert isinstance(outcome, Unlucky)
            else:
                assert outcome == len(unit.moves)
                for name, stars in unit.moves:
                    self.told[name] += stars

    @rule(together=st.lists(units, max_size=12))
    def close_with_units_on_their_way_and_open_again(self, together: list[Unit]) -> None:
        outcomes = self.runner.run(_handed_in_and_closed(self.ledger, together))
        for unit, outcome in zip(together, outcomes, strict=True):
            assert isinstance(outcome, Unlucky if unit.is_unlucky else int)
            if isinstance(outcome, int):
                for name, stars in unit.moves:
                    self.told[name] += stars
        self.ledger = open_ledger(self.url)

    @rule()
    def close_in_a_thread_and_open_again(self) -> None:
        self.runner.run(asyncio.to_thread(self.ledger.close_sync))
        self.ledger = open_ledger(self.url)
        self.runner.run(asyncio.to_thread(self.ledger.open_sync))

    @invariant()
    def the_database_holds_what_was_told(self) -> None:
        expected = {name: stars for name, stars in self.told.items() if stars}
        assert self.runner.run(self.ledger.read(balances)) == expected
        assert self.runner.run(self.ledger.run(balances)) == expected

    def teardown(self) -> None:
        self.runner.run(self.ledger.close())
        self.runner.close()


def test_a_history_of_concurrent_units_leaves_what_was_told(database_url: str) -> None:
    engine = sa.make_url(database_url).get_backend_name()
    run_state_machine_as_test(
        lambda: Histories(database_url),  # type: ignore[arg-type]  # it takes a factory, as its documentation says
        settings=settings(
            max_examples=EXAMPLES[engine],
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def _handed_in(ledger: Ledger, unit: Unit) -> int:
    if unit.way == "thread":
        return await asyncio.to_thread(ledger.run_sync, move, unit)
    if unit.way == "each":
        return await ledger.run_each(move_each, unit)
    return await ledger.run(move, unit)


async def _gathered(attempts: Sequence[Coroutine[object, object, int]]) -> list[int | BaseException]:
    return await asyncio.gather(*attempts, return_exceptions=True)


async def _handed_in_and_closed(ledger: Ledger, together: list[Unit]) -> list[int | BaseException]:
    await ledger.open()
    from_the_loop = [asyncio.create_task(_handed_in(ledger, unit._replace(way="loop"))) for unit in together]
    await asyncio.sleep(0)  # each has handed its unit in
    await ledger.close()
    return await asyncio.gather(*from_the_loop, return_exceptions=True)
