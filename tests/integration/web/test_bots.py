"""The page of the bots says of each what Telegram says of it and how its books stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What depends on the engine is tested where it is read."""
    return sqlite_url


async def test_each_bot_has_its_checks_in_the_readers_language(shop: Shop, served: Served) -> None:
    @shop.neonpay.on_payment(stage="vip", name="deliver")
    async def deliver() -> None:
        pass

    async with shop.polling(), served() as http:
        await shop.delivers(await shop.sells(await shop.visitor("Ann")))
        before = await (await http.get("/bots")).text()
        assert "Telegram knows the bot" in before
        assert "Receives checkouts" in before
        assert "not yet; type: neonpay reconcile" in before
        await shop.neonpay.books.reconcile(grace_s=0)
        after = await (await http.get("/bots")).text()
        russian = await (await http.get("/bots", headers={"Accept-Language": "ru"})).text()
    assert " ago</span>" in after
    assert "Every payment is in Telegram’s list" in after
    assert "Telegram знает бота" in russian
    assert shop.account.token not in before + after + russian


async def test_a_bot_that_telegram_does_not_answer_for_is_marked(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served(watches_loops=False) as http:
        shop.telegram.faults.fail("getMe", error_code=401, description="Unauthorized")
        text = await (await http.get("/bots")).text()
    assert "Telegram does not answer, or does not know the bot" in text
