"""A dashboard keeps what reports have counted up to date while it is served, where it may write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from neonpay.analytics.marks import marks
from neonpay.analytics.scope import Scope
from neonpay.web import counting, create_dashboard_app, serving
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting.keep_counted, "__kwdefaults__", {"every_s": 0.01})


async def test_what_is_sold_while_a_dashboard_is_served_is_rolled_up(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await shop.neonpay.books.seal()
        async with served(), asyncio.timeout(100):
            before = await _rolled_up(shop, 0)
            await shop.sells(await shop.visitor("Bob"))
            await shop.neonpay.books.seal()
            assert await _rolled_up(shop, before) > before


async def test_a_dashboard_that_only_looks_rolls_nothing_up(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await shop.neonpay.books.seal()
        async with served(only_looks=True) as http:
            assert (await http.get("/")).status == 200
            assert not _rolling_up()
    assert await _mark(shop) == 0


async def test_nothing_is_rolled_up_once_a_dashboard_has_ended(shop: Shop, served: Served) -> None:
    async with shop.polling():
        async with served() as http:
            assert (await http.get("/")).status == 200
            assert _rolling_up()
        assert not _rolling_up()


async def test_a_dashboard_of_a_program_that_only_reads_rolls_nothing_up(
    shop: Shop, open_shop: Callable[..., Shop]
) -> None:
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await shop.neonpay.books.seal()
    panel = open_shop(role="reads")
    async with (
        panel.neonpay,
        serving(create_dashboard_app(panel.neonpay, patience_s=60.0), port=0),
        asyncio.timeout(100),
    ):
        for task in _rolling_up():
            await task


def _rolling_up() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "neonpay-dashboard-rollup"]


async def _mark(shop: Shop) -> int:
    bot_id = shop.neonpay.program.adapter.bot_id
    found = await shop.neonpay.program.pipeline.ledger.read(marks, Scope((bot_id,)))
    return found.get(bot_id, 0)


async def _rolled_up(shop: Shop, after: int) -> int:
    while (mark := await _mark(shop)) <= after:
        await between_looks()
    return mark
