"""One bot has one shop, however many objects of aiogram's stand for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher

from neonpay import create_neonpay
from neonpay.errors import AdapterError

TOKEN = "42:" + "A" * 35


async def test_two_objects_of_one_bot_on_one_dispatcher_have_one_shop(tmp_path: Path) -> None:
    """What two modules write that each make ``Bot(TOKEN)`` and share a dispatcher."""
    dispatcher, url = Dispatcher(), f"sqlite:///{tmp_path}/shop.db"
    first = create_neonpay(Bot(TOKEN), dispatcher=dispatcher, database_url=url)
    with pytest.raises(AdapterError, match="create_neonpay was called for this bot before"):
        create_neonpay(Bot(TOKEN), dispatcher=dispatcher, database_url=url)
    await first.close()
    second = create_neonpay(Bot(TOKEN), dispatcher=dispatcher, database_url=url)
    await second.close()


async def test_each_bot_of_one_dispatcher_has_a_shop_of_its_own(tmp_path: Path) -> None:
    dispatcher, url = Dispatcher(), f"sqlite:///{tmp_path}/shop.db"
    shops = [create_neonpay(Bot(token), dispatcher=dispatcher, database_url=url) for token in (TOKEN, "43:" + "B" * 35)]
    assert [shop.program.adapter.bot_id for shop in shops] == [42, 43]
    for shop in shops:
        await shop.close()
