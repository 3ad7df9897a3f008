"""How a program says that it has started and stopped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay._version import __version__
from neonpay.ledger.migrate import REVISIONS
from tests.integration.heard.conftest import extra_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.integration.conftest import Shop
    from tests.integration.heard.conftest import Heard


async def test_one_line_says_what_has_started(shop: Shop, database_url: str, heard: Heard) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    @shop.neonpay.on_refund(name="take_back")
    async def take_back(result: PaymentResult) -> None: ...

    await shop.bot.me()
    await shop.neonpay.setup()
    await shop.neonpay.setup()

    (line,) = heard("program_started")
    extra = extra_of(line)
    assert extra.pop("duration_s") >= 0
    url = sa.make_url(database_url)
    assert extra == {
        "event_name": "program_started",
        "bot_id": shop.bot.id,
        "bot_username": "shop_bot",
        "version": __version__,
        "library": "aiogram",
        "library_level": "B",
        "database": url.database if database_url.startswith("sqlite") else f"the local server/{url.database}",
        "schema": REVISIONS[-1],
        "role": "delivers",
        "stages": 1,
        "handlers": 2,
        "extensions": "security",
    }
    assert "aiogram, bot" in line.getMessage()
    assert "role delivers, stages 1, handlers 2, extensions security" in line.getMessage()


async def test_a_username_that_nobody_has_asked_for_is_not_asked_for(shop: Shop, heard: Heard) -> None:
    await shop.neonpay.setup()
    (line,) = heard("program_started")
    assert extra_of(line)["bot_username"] is None
    assert shop.telegram.calls("getMe") == []


async def test_each_start_has_its_stop(shop: Shop, heard: Heard) -> None:
    await shop.neonpay.close()  # nothing has begun, so nothing stops
    for _ in range(2):
        async with shop.neonpay:
            pass
        await shop.neonpay.close()
    lines = heard("program_started", "program_stopped")
    assert [extra_of(line)["event_name"] for line in lines] == ["program_started", "program_stopped"] * 2
    assert {line.levelno for line in lines} == {logging.INFO}


async def test_a_program_that_only_reads_says_that_it_does(open_shop: Callable[..., Shop], heard: Heard) -> None:
    async with open_shop().neonpay:
        pass
    async with open_shop(role="reads").neonpay:
        pass
    assert [extra_of(line)["role"] for line in heard("program_started")] == ["delivers", "reads"]
    assert len(heard("program_stopped")) == 2


async def test_logging_that_is_off_says_nothing_at_any_level(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    ours = logging.getLogger("neonpay")
    level = ours.level
    caplog.set_level(logging.DEBUG)
    shop = open_shop(enable_logging=False)
    try:
        async with shop.polling():
            await shop.sells_in_vain(await shop.visitor())
    finally:
        ours.setLevel(level)
    assert [record for record in caplog.records if record.name.startswith("neonpay")] == []
