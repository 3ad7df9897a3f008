"""What the rules for extensions share: shops with the extension under test, and how its rows are compared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import ClassVar, TypeAlias

import pytest
import sqlalchemy as sa

from neonpay.core.jsontext import JsonValue
from neonpay.payments.extension import Extension
from neonpay.simulator import Simulator, SteppedClock
from neonpay.testing._extension_shop import ExtensionShop, Program, rows_of

ExtensionFactory: TypeAlias = Callable[[], Extension]
"""Another object of the extension, as another program would have it."""
NewShop: TypeAlias = Callable[[], Awaitable[ExtensionShop]]

_BEGIN_S = 1_800_000_000


class ExtensionFixtures:
    """Shops on databases of their own.

    Attributes:
        payload: what every offer of the suite is made with, where the extension takes part in some offers only.
    """

    payload: ClassVar[Mapping[str, JsonValue]] = {}

    @pytest.fixture
    def extension_factory(self) -> ExtensionFactory:
        """Override it: what is tested."""
        msg = (
            "a subclass of ExtensionConformance needs a fixture extension_factory; see neonpay.testing.extension_suite"
        )
        raise NotImplementedError(msg)

    @pytest.fixture
    def new_database(self, tmp_path: Path) -> Callable[[], str]:
        """Override it for other databases than SQLite: makes URLs of empty ones, gone when the test has ended."""
        numbers = count(1)
        return lambda: f"sqlite:///{tmp_path / f'shop-{next(numbers)}.db'}"

    def summary(self, connection: sa.Connection) -> object:
        """What the extension has in a database, to be compared; override it where its rows hold times or random ids."""
        return rows_of(connection)

    @pytest.fixture
    async def new_shop(
        self, extension_factory: ExtensionFactory, new_database: Callable[[], str]
    ) -> AsyncIterator[NewShop]:
        """Makes shops in which the same is sold to the same people, each on a database of its own."""
        async with AsyncExitStack() as shops:

            async def make() -> ExtensionShop:
                telegram = await shops.enter_async_context(Simulator(seed=23, clock=SteppedClock(_BEGIN_S)))
                account = telegram.bot("suite_bot", token="42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")  # noqa: S106
                shop = ExtensionShop(telegram, account, new_database(), extension_factory, self.payload)
                shops.push_async_callback(shop.close)
                return shop

            yield make

    @pytest.fixture
    async def shop(self, new_shop: NewShop) -> ExtensionShop:
        """One shop, no program of which is at work yet."""
        return await new_shop()

    async def left(self, program: Program) -> object:
        """What the extension has in the database now."""
        return await program.neonpay.program.pipeline.ledger.read(
            lambda transaction: self.summary(transaction.connection)
        )
