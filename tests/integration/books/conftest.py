"""Books with every kind of payment in them, and what somebody with the password of the database may do to them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.books.sealing import SEAL, Sealer
from neonpay.books.verification import Proof, prove
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.payments.consumers.fan_out import FAN_OUT
from neonpay.simulator import Simulator
from tests.integration.conftest import VIP, MovableClock, Shop
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import sqlalchemy as sa

    from neonpay.testing.postgres import PostgresServer


class Books:
    """The ledger of a shop that has accepted, waiting and refunded payments; open, with nothing else running on it."""

    def __init__(self, ledger: Ledger, bot_id: int, clock: MovableClock, *, charges: dict[str, str]) -> None:
        self.ledger = ledger
        self.bot_id = bot_id
        self.charges = charges
        self.clock = clock

    async def seal(self, *, most_events: int = 256) -> int:
        return await Sealer(self.ledger, self.bot_id, most_events=most_events).seal()

    async def proof(self, head: str | None = None) -> Proof:
        return await self.ledger.read(prove, self.bot_id, head)

    async def run(self, *statements: sa.Executable) -> None:
        def unit(transaction: Transaction) -> None:
            for statement in statements:
                transaction.connection.execute(statement)

        await self.ledger.run(unit)

    async def rows(self, select: sa.Executable) -> list[tuple[Any, ...]]:
        def unit(transaction: Transaction) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in transaction.connection.execute(select)]

        return await self.ledger.read(unit)


async def sell_everything(shop: Shop) -> dict[str, str]:
    """Charge ids by what became of the payment."""
    shop.neonpay.on_payment(stage="vip", name="deliver")(_deliver)
    shop.neonpay.create_payment_stage("poster", shop.neonpay.list_payment_stages()["vip"])
    charges: dict[str, str] = {}
    periodic = shop.neonpay.program.pipeline.periodic_store
    async with shop.polling():
        # Both seal what is there, and these books are to be sealed by whoever asks for them. A program that starts takes a turn
        # at one of them whether it is due or not, and is waited for.
        async with asyncio.timeout(100):
            while FAN_OUT not in await periodic.waits():
                await between_looks()
        for task in (SEAL, FAN_OUT):
            async with periodic.turn(task, patience_s=30, next_in_s=10_000_000):
                pass
        ann = await shop.visitor()
        for name in ("kept", "refunded"):
            charges[name] = (await shop.sells(ann, "vip")).charge_id or ""
        undelivered = await shop.sells_in_vain(ann, ann, stage_id="poster")
        for name, outcome in zip(("waiting", "returned"), undelivered, strict=True):
            charges[name] = outcome.charge_id or ""
        for name in ("refunded", "returned"):
            await shop.neonpay.refund(charges[name], reason="asked for")
        await shop.settles()
    return charges


async def _deliver() -> None:
    pass


@dataclass(frozen=True)
class Sold:
    """A closed database in which everything was sold, to be copied for each test."""

    url: str
    bot_id: int
    charges: dict[str, str]


@pytest.fixture(scope="session")
def sqlite_sold(tmp_path_factory: pytest.TempPathFactory) -> Sold:
    return _sold(f"sqlite:///{tmp_path_factory.mktemp('sold') / 'neonpay.db'}")


@pytest.fixture(scope="session")
def postgresql_sold(postgres_server: PostgresServer) -> Sold:
    return _sold(postgres_server.create_database())


def _sold(url: str) -> Sold:
    # In a thread, because the test that is the first to ask may have a running event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, _sell_once(url)).result()


async def _sell_once(url: str) -> Sold:
    async with Simulator(seed=7) as telegram:
        shop = Shop(telegram, telegram.bot("shop_bot"), database_url=url, clock=MovableClock())
        shop.neonpay.create_payment_stage("vip", VIP)
        charges = await sell_everything(shop)
        await shop.aclose()
        return Sold(url, shop.neonpay.program.adapter.bot_id, charges)


@pytest.fixture
def copied_from(
    request: pytest.FixtureRequest, copied_from: Callable[[str], str | None]
) -> Callable[[str], str | None]:
    """Books where a test asks for ``books``."""
    if "books" not in request.fixturenames:
        return copied_from
    return lambda engine: request.getfixturevalue(f"{engine}_sold").url


@pytest.fixture
async def books(database_url: str, request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Books]:
    engine = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    sold: Sold = request.getfixturevalue(f"{engine}_sold")
    ledger = open_ledger(database_url, clock=clock)
    yield Books(ledger, sold.bot_id, clock, charges=sold.charges)
    await ledger.close()


@pytest.fixture
def open_books(clock: MovableClock) -> Callable[[str, int], Books]:
    """Books in another database."""
    return lambda url, bot_id: Books(open_ledger(url, clock=clock), bot_id, clock, charges={})
