"""The shop opens when the application starts and closes when it stops, and the host's own hooks stay its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neonpay.core.ports import Named
from neonpay.errors import LedgerError
from tests.integration.ptb.conftest import PtbShop


async def test_the_shop_opens_with_the_application_and_closes_with_it(shop: PtbShop) -> None:
    stats = shop.neonpay.get_stats
    async with shop.application:
        assert not stats()["is_open"]
        await shop.application.start()
        assert stats()["is_open"]
        await shop.application.stop()
        assert not stats()["is_open"]


async def test_what_opened_after_the_stop_is_closed_by_the_shutdown(shop: PtbShop) -> None:
    ann = await shop.visitor()
    async with shop.application:
        assert await shop.neonpay.payments.history(ann.id) == []
        assert shop.neonpay.get_stats()["is_open"]

    assert not shop.neonpay.get_stats()["is_open"]


async def test_the_hooks_of_the_host_are_left_alone(open_shop: Callable[..., PtbShop]) -> None:
    async def hook(_: Any) -> None: ...

    shop = open_shop(build=lambda builder: builder.post_init(hook).post_stop(hook).post_shutdown(hook))
    bare = open_shop(username="bare_bot")
    for each in (shop, bare):
        each.sells_through(each.application)

    assert (shop.application.post_init, shop.application.post_stop, shop.application.post_shutdown) == (hook,) * 3
    assert (bare.application.post_init, bare.application.post_stop, bare.application.post_shutdown) == (None,) * 3
    assert (shop.application.handlers, shop.application.error_handlers) == ({}, {})


async def test_an_application_whose_ledger_cannot_be_opened_does_not_start(
    open_shop: Callable[..., PtbShop], tmp_path: Path
) -> None:
    shop = open_shop(database_url=f"sqlite:///{tmp_path}/no/such/folder/shop.db")
    shop.sells_through(shop.application)
    async with shop.application as application:
        with pytest.raises(LedgerError):
            await application.start()
        assert not application.running


async def test_an_application_that_is_only_asked_to_process_updates_sells(shop: PtbShop) -> None:
    shop.sells_through(shop.application)
    ann = await shop.visitor()
    async with shop.application as application:
        bot = application.bot
        checkout = await ann.begins_to_pay(await shop.invoices(ann))
        next_id = 0
        while not shop.delivered:
            for update in await bot.get_updates(offset=next_id):
                next_id = update.update_id + 1
                await application.process_update(update)
        outcome = await checkout.outcome()

    assert outcome.status == "paid"
    assert not shop.neonpay.get_stats()["is_open"]


async def test_a_bot_that_comes_back_answers_a_checkout_before_anything_else(open_shop: Callable[..., PtbShop]) -> None:
    before, after = open_shop(), open_shop()
    before.sells_through(before.application)
    async with before.polling():
        ann = await before.visitor()
        invoice = await before.invoices(ann)
        await before.settles()
    checkout = await ann.begins_to_pay(invoice)
    after.sells_through(after.application)
    async with after.polling():
        outcome = await checkout.outcome()
        await after.has_delivered(outcome.charge_id)

    assert outcome.status == "paid"


async def test_the_name_of_the_bot_is_known_from_the_initialising_on_and_not_asked_for(shop: PtbShop) -> None:
    adapter = shop.neonpay.program.adapter
    assert isinstance(adapter, Named)
    assert adapter.bot_username is None
    async with shop.started():
        assert adapter.bot_username == "shop_bot"
    assert len(shop.telegram.calls("getMe")) == 1
