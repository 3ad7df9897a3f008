"""Effects and tables of a program's own: done once under a key, and in one transaction of the ledger."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.errors import BusyError, LedgerError, LedgerLockedError, TransactionEndedError, ValidationError
from neonpay.store.effects import begin, renew

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

BOOK = sa.Table("book", sa.MetaData(), sa.Column("word", sa.Text, primary_key=True))


async def test_an_effect_is_done_once_and_its_result_is_remembered(open_shop: Callable[..., Shop]) -> None:
    shop, other, done = open_shop(), open_shop(), []

    def declare(neonpay: Any) -> Callable[[int], Any]:
        @neonpay.once(lambda user_id: f"welcome:{user_id}")
        async def welcome(user_id: int) -> dict[str, list[int]]:
            done.append(user_id)
            return {"gems": [user_id, len(done)]}

        return welcome  # type: ignore[no-any-return]

    here, there = declare(shop.neonpay), declare(other.neonpay)
    assert await here(7) == {"gems": [7, 1]}
    assert await here(7) == await there(7) == {"gems": [7, 1]}
    assert await there(8) == {"gems": [8, 2]}
    assert done == [7, 8]


async def test_those_who_come_while_another_is_at_it_wait_for_its_result(open_shop: Callable[..., Shop]) -> None:
    shop, other, begun, done = open_shop(), open_shop(), asyncio.Event(), asyncio.Event()
    calls: list[str] = []

    @shop.neonpay.once("gift")
    async def gives() -> str:
        calls.append("first")
        begun.set()
        await done.wait()
        return "given"

    @other.neonpay.once("gift")
    async def gives_too() -> str:
        calls.append("second")
        return "given twice"

    first = asyncio.create_task(gives())
    await begun.wait()
    second = asyncio.create_task(gives_too())

    @other.neonpay.once("gift", patience_s=0)
    async def has_no_patience() -> str:
        return "never"

    with pytest.raises(BusyError, match="gift"):
        await has_no_patience()
    done.set()
    assert await first == await second == "given"
    assert calls == ["first"]


async def test_an_effect_that_raised_is_begun_anew(shop: Shop) -> None:
    attempts: list[int] = []

    @shop.neonpay.once("gift")
    async def gives() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("the warehouse is closed")

    with pytest.raises(RuntimeError, match="warehouse"):
        await gives()
    assert await gives() is None
    assert await gives() is None
    assert len(attempts) == 2


async def test_an_effect_of_a_program_that_died_is_begun_anew_when_its_lease_is_over(
    shop: Shop,
) -> None:
    @shop.neonpay.once("gift", patience_s=0)
    async def gives_too() -> str:
        return "given"

    # As a program leaves it that was killed in its effect: it gives nothing up.
    await shop.neonpay.setup()
    ledger = shop.neonpay.program.pipeline.ledger
    assert (await ledger.run(begin, shop.account.id, "gift", 1, 30_000_000)).is_mine
    with pytest.raises(BusyError):
        await gives_too()
    await ledger.run(renew, shop.account.id, "gift", 1, -1)
    assert await gives_too() == "given"


async def test_a_result_that_is_not_json_is_told_and_not_remembered(shop: Shop) -> None:
    @shop.neonpay.once("gift")
    async def gives() -> Any:
        return object()

    with pytest.raises(TypeError):
        await gives()


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 10_000])
async def test_a_key_is_text_that_can_be_kept(shop: Shop, key: str) -> None:
    @shop.neonpay.once(key)
    async def gives() -> None: ...

    with pytest.raises(ValidationError, match="key"):
        await gives()


def test_a_plain_function_is_refused_when_it_is_declared(shop: Shop) -> None:
    with pytest.raises(ValidationError, match="async def"):

        @shop.neonpay.once("gift")
        def gives() -> str:  # type: ignore[type-var]  # what is tried
            return "given"


@pytest.fixture
async def book(shop: Shop) -> sa.Table:
    """A table of the program's own, in the database of the ledger."""
    async with shop.neonpay.transaction() as connection:
        await connection.run_sync(BOOK.create)
    return BOOK


async def words(shop: Shop) -> list[str]:
    async with shop.neonpay.transaction() as connection:
        return list((await connection.execute(sa.select(BOOK.c.word).order_by(BOOK.c.word))).scalars())


async def test_a_block_is_kept_whole_when_it_ends(shop: Shop, book: sa.Table) -> None:
    async with shop.neonpay.transaction() as connection:
        added = await connection.execute(book.insert().values(word="tea"))
        await connection.execute(sa.text("INSERT INTO book VALUES (:word)"), {"word": "milk"})
        inside = (await connection.execute(sa.select(sa.func.count()).select_from(book))).scalar()
    assert (inside, added.rowcount) == (2, 1)  # type: ignore[attr-defined]
    assert await words(shop) == ["milk", "tea"]


async def writes(shop: Shop, *statements: sa.Executable, limit_s: float = 5.0, error: Exception | None = None) -> None:
    """One block with these statements, which raises in the end when it is told to."""
    async with shop.neonpay.transaction(limit_s=limit_s) as connection:
        for statement in statements:
            await connection.execute(statement)
        if error is not None:
            raise error


async def commits(shop: Shop) -> None:
    async with shop.neonpay.transaction() as connection:
        await connection.run_sync(lambda lent: lent.commit())


async def test_a_block_that_raises_leaves_nothing(shop: Shop, book: sa.Table) -> None:
    with pytest.raises(RuntimeError, match="spilled"):
        await writes(shop, book.insert().values(word="tea"), error=RuntimeError("spilled"))
    assert await words(shop) == []


async def test_a_statement_that_fails_is_told_where_it_stands(shop: Shop, book: sa.Table) -> None:
    tea = book.insert().values(word="tea")
    with pytest.raises(sa.exc.IntegrityError):
        await writes(shop, tea, tea)
    assert await words(shop) == []


@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK"])
async def test_nobody_commits_by_hand(shop: Shop, book: sa.Table, ends: str) -> None:
    with pytest.raises(LedgerError, match="not yours"):
        await writes(shop, book.insert().values(word="tea"), sa.text(ends))
    with pytest.raises(LedgerError, match="not yours"):
        await commits(shop)
    assert await words(shop) == []


async def test_a_block_that_takes_too_long_is_undone(shop: Shop, book: sa.Table) -> None:
    with pytest.raises(LedgerLockedError, match="longer than"):
        await writes(shop, book.insert().values(word="tea"), limit_s=1e-9)
    assert await words(shop) == []


async def test_the_connection_ends_with_its_block(shop: Shop, book: sa.Table) -> None:
    async with shop.neonpay.transaction() as connection:
        pass
    with pytest.raises(TransactionEndedError):
        await connection.execute(book.insert().values(word="tea"))


async def test_a_cancelled_block_is_undone(shop: Shop, book: sa.Table) -> None:
    begun = asyncio.Event()

    async def writes_and_waits() -> None:
        async with shop.neonpay.transaction() as connection:
            await connection.execute(book.insert().values(word="tea"))
            begun.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(writes_and_waits())
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await words(shop) == []


async def test_a_statement_that_is_given_up_before_it_begins_is_not_made(shop: Shop, book: sa.Table) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def waits(connection: sa.Connection) -> None:
        begun.set()
        go_on.wait(10)

    async with shop.neonpay.transaction() as connection:
        waiting = asyncio.create_task(connection.run_sync(waits))
        await asyncio.to_thread(begun.wait, 10)
        writing = asyncio.create_task(connection.execute(book.insert().values(word="tea")))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        go_on.set()
        await waiting
    assert await words(shop) == []


@pytest.mark.parametrize("limit_s", [0, -1.0, float("nan"), float("inf"), None, "5", True])
async def test_a_limit_is_a_time(shop: Shop, limit_s: Any) -> None:
    with pytest.raises(ValidationError, match="limit_s"):
        async with shop.neonpay.transaction(limit_s=limit_s):
            pass
