"""What extensions cost: statements for each batch, however many payments are in it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_cursor

from neonpay.app import house
from neonpay.core.payments import Charge, PreCheckout
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.payments.extension import Extension
from tests.shelf import Shelf, sold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.integration.conftest import Shop

PATIENCE_S = 30


class Unused(Extension):
    name = "unused"


class Statements:
    """What the database is told in one transaction, as the driver is given it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.noted: list[str] = []
        self._of: object = None
        driver: Any = AsyncAdapt_asyncpg_cursor
        execute, many = driver._prepare_and_execute, driver._executemany  # noqa: SLF001  # beneath SQLAlchemy and its events

        async def note_one(cursor: Any, operation: str, parameters: Any) -> Any:
            self._note(cursor, operation)
            return await execute(cursor, operation, parameters)

        async def note_many(cursor: Any, operation: str, parameters: Any) -> Any:
            self._note(cursor, operation)
            return await many(cursor, operation, parameters)

        monkeypatch.setattr(driver, "_prepare_and_execute", note_one)
        monkeypatch.setattr(driver, "_executemany", note_many)

    def _note(self, cursor: Any, operation: str) -> None:
        if self._of is not None and cursor._adapt_connection is self._of:  # noqa: SLF001
            self.noted.append(operation)

    @contextmanager
    def of(self, transaction: Transaction) -> Iterator[None]:
        """Note what this transaction says from here on."""
        raw = transaction.connection.connection.dbapi_connection
        self.noted.clear()
        if transaction.connection.dialect.name == "sqlite":
            raw.set_trace_callback(self.noted.append)  # type: ignore[union-attr]
        else:
            self._of = raw
        try:
            yield
        finally:
            self._of = None
            if transaction.connection.dialect.name == "sqlite":
                raw.set_trace_callback(None)  # type: ignore[union-attr]


class InBatches:
    """A ledger that waits until a batch is full."""

    def __init__(self, inner: Ledger, statements: Statements) -> None:
        self._inner = inner
        self._statements = statements
        self._size = 0
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def expect(self, size: int) -> None:
        """The next items share one transaction, as soon as there are so many."""
        self._size = size

    async def run_each(self, unit: Callable[[Transaction, Sequence[Any]], Sequence[Any]], item: Any) -> Any:
        if not self._size:
            return await self._inner.run_each(unit, item)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if len(self._waiting) == self._size:
            self._size, batch, self._waiting = 0, self._waiting, []

            def counted(transaction: Transaction) -> Sequence[Any]:
                with self._statements.of(transaction):
                    return unit(transaction, [one for one, _ in batch])

            for (_, waiting), result in zip(batch, await self._inner.run(counted), strict=True):
                waiting.set_result(result)
        async with asyncio.timeout(PATIENCE_S):
            return await answer


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    statements = Statements(monkeypatch)

    def open_counted(*args: Any, **kwargs: Any) -> InBatches:
        return InBatches(open_ledger(*args, **kwargs), statements)

    monkeypatch.setattr(house, "open_ledger", open_counted)
    return statements


@pytest.fixture
def opened(open_shop: Callable[..., Shop]) -> Callable[..., Any]:
    async def opened(*extensions: Extension) -> tuple[Shop, str]:
        """A shop that is at work, and the payload of an invoice that anyone may pay."""
        shop = open_shop()

        @shop.neonpay.on_payment(name="deliver")
        async def deliver() -> None:
            pass

        for extension in extensions:
            shop.neonpay.use(extension)
        await shop.neonpay.setup()
        link = await shop.neonpay.create_payment_link("vip")
        (call,) = [call for call in shop.telegram.calls("createInvoiceLink") if link.invoice_id in str(call)]
        return shop, str(call.params["payload"])

    return opened


async def record(
    shop: Shop, payload: str, statements: Statements, *, size: int, price_stars: int, name: str = ""
) -> list[str]:
    """Record a batch; what the database was told."""
    charges = [
        Charge(
            bot_id=shop.neonpay.program.adapter.bot_id,
            charge_id=f"{name}-{size}-{number}",
            user_id=number + 1,
            amount=price_stars,
            currency="XTR",
            payload=payload,
            paid_at_us=1_790_000_000_000_000,
        )
        for number in range(size)
    ]
    pipeline: Any = shop.neonpay.program.pipeline
    pipeline.ledger.expect(size)
    recorded = await asyncio.gather(*[pipeline.entrance.charged(charge) for charge in charges])
    assert [payment.state for payment in recorded] == ["accepted"] * size
    noted = list(statements.noted)
    await shop.neonpay.program.drain()
    return noted


async def test_what_a_batch_costs_with_all_hooks_does_not_depend_on_the_number_of_payments(
    opened: Callable[..., Any], statements: Statements, query: Callable[..., Any]
) -> None:
    shop, payload = await opened()
    plain = {size: await record(shop, payload, statements, size=size, price_stars=50) for size in (8, 64)}
    await shop.neonpay.close()
    shop, payload = await opened(Shelf())
    told = {size: await record(shop, payload, statements, size=size, price_stars=49, name="shelf") for size in (8, 64)}
    # A savepoint around the hook, its end, and the two statements that the hook makes.
    assert {size: len(told[size]) - len(plain[size]) for size in told} == {8: 4, 64: 4}
    assert len(plain[64]) <= 8
    # Those of before are young enough to be settled as well, by whoever sweeps.
    assert len(await query(sa.select(sold).where(sold.c.charge_id.startswith("shelf")))) == 8 + 64


async def test_an_extension_without_hooks_adds_no_statement(opened: Callable[..., Any], statements: Statements) -> None:
    shop, payload = await opened()
    plain = await record(shop, payload, statements, size=64, price_stars=50)
    await shop.neonpay.close()
    shop, payload = await opened(Unused())
    told = await record(shop, payload, statements, size=64, price_stars=50, name="unused")
    assert len(told) == len(plain)


async def approve(shop: Shop, payload: str, statements: Statements, *, size: int, price_stars: int) -> list[str]:
    """Approve a batch of checkouts; what the database was told."""
    pipeline: Any = shop.neonpay.program.pipeline
    pipeline.ledger.expect(size)
    bot_id = shop.neonpay.program.adapter.bot_id
    about = {"bot_id": bot_id, "amount": price_stars, "currency": "XTR", "payload": payload}
    asked = [
        PreCheckout(query_id=f"{price_stars}-{size}-{number}", user_id=number + 1, **about) for number in range(size)
    ]
    await asyncio.gather(*[pipeline.pre_checkout(one) for one in asked])
    return list(statements.noted)


async def test_what_an_extension_adds_to_a_batch_of_checkouts_does_not_depend_on_their_number(
    opened: Callable[..., Any], statements: Statements
) -> None:
    shop, payload = await opened()
    plain = {size: await approve(shop, payload, statements, size=size, price_stars=50) for size in (8, 64)}
    await shop.neonpay.close()
    shop, payload = await opened(Shelf())
    told = {size: await approve(shop, payload, statements, size=size, price_stars=49) for size in (8, 64)}
    # The look for approvals that were given before, a savepoint around the hook, its end, and the hook's two statements.
    assert {size: len(told[size]) - len(plain[size]) for size in told} == {8: 5, 64: 5}
