"""The ``neonpay`` command on the ledger of a shop that is closed."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.cli.main import app
from tests.integration.books.conftest import sell_everything
from tests.integration.cli.busy import Busy, sell_to_many

if TYPE_CHECKING:
    from click.testing import Result

    from neonpay.testing.postgres import PostgresServer
    from tests.integration.conftest import Shop


class Command:
    """Runs ``neonpay`` with the ledger of the shop in its environment."""

    def __init__(self, shop: Shop, database_url: str, charges: dict[str, str]) -> None:
        self.shop = shop
        self.charges = charges
        self.environment = {"NEONPAY_DATABASE_URL": database_url, "COLUMNS": "200"}

    @property
    def with_token(self) -> dict[str, str]:
        """The environment of somebody who has the bot's token."""
        return {"NEONPAY_BOT_TOKEN": self.shop.account.token}

    async def __call__(self, *arguments: str, typed: str | None = None, **environment: str) -> Result:
        env = {"NEONPAY_BOT_TOKEN": None, "NEONPAY_BOT_ID": None, **self.environment, **environment}
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=typed, env=env)

    async def json(self, *arguments: str, **environment: str) -> Any:
        result = await self(*arguments, "--json", **environment)
        assert result.stderr == ""
        return json.loads(result.stdout)


@pytest.fixture
async def neonpay(shop: Shop, database_url: str) -> Command:
    charges = await sell_everything(shop)
    await shop.aclose()
    return Command(shop, database_url, charges)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def busy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Busy:
    """A ledger that nobody changes: for commands that only read."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('busy') / 'neonpay.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database()
    # In a thread, because the test that is the first to ask may have a running event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, sell_to_many(url)).result()
