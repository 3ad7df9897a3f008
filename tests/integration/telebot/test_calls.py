"""Calls go the library's way, and what may have been done is not done again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import requests
from telebot import TeleBot, apihelper, asyncio_helper
from telebot.async_telebot import AsyncTeleBot

from neonpay.core.ports import Named
from neonpay.errors import TelegramUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.telebot.conftest import Shop

KINDS = pytest.mark.parametrize("kind", [TeleBot, AsyncTeleBot])


@pytest.fixture
def repeating() -> Iterator[None]:
    """A host that has the library repeat what failed."""
    names = ("RETRY_ON_ERROR", "RETRY_TIMEOUT")
    before = [(module, name, getattr(module, name)) for module in (apihelper, asyncio_helper) for name in names]
    for module in (apihelper, asyncio_helper):
        module.RETRY_ON_ERROR, module.RETRY_TIMEOUT = True, 0
    yield
    for module, name, value in before:
        setattr(module, name, value)


@pytest.fixture
def own_sender() -> Iterator[list[str]]:
    """A host that sends requests in a way of its own; the methods that it was asked for."""
    asked: list[str] = []

    def send(method: str, url: str, **options: Any) -> requests.Response:
        asked.append(url.rpartition("/")[2])
        proxies, timeout = options.pop("proxies"), options.pop("timeout")
        return requests.request(method, url, proxies=proxies, timeout=timeout, **options)

    apihelper.CUSTOM_REQUEST_SENDER = send
    yield asked
    apihelper.CUSTOM_REQUEST_SENDER = None


@KINDS
async def test_a_refund_whose_answer_is_lost_is_asked_for_once(
    new_shop: Callable[..., Shop], kind: type, repeating: None
) -> None:
    shop = new_shop(kind)
    shop.opens()
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        shop.telegram.faults.lose_answer("refundStarPayment")
        charge: dict[str, Any] = {
            "user_id": shop.delivered.all[0].user_id,
            "telegram_payment_charge_id": outcome.charge_id,
        }
        with pytest.raises(TelegramUnreachableError):
            await shop.neonpay.program.adapter.call("refundStarPayment", charge)

    assert len(shop.telegram.calls("refundStarPayment")) == 1


async def test_a_hosts_own_way_of_sending_is_kept(shop: Shop, own_sender: list[str]) -> None:
    me = await shop.neonpay.call("getMe")

    assert isinstance(me, dict)
    assert me["username"] == "shop_bot"
    assert own_sender == ["getMe"]


@KINDS
async def test_a_long_text_is_sent_whole(new_shop: Callable[..., Shop], kind: type) -> None:
    shop, text = new_shop(kind), "Ю" * 4096
    shop.opens()
    ann = await shop.visitor()

    await shop.neonpay.call("sendMessage", {"chat_id": ann.id, "text": text, "disable_notification": False})

    assert (await ann.hears(shop.account)).text == text


async def test_the_name_of_the_bot_is_known_once_the_host_has_asked_for_it(new_shop: Callable[..., Shop]) -> None:
    for kind in (TeleBot, AsyncTeleBot):
        shop = new_shop(kind)
        adapter = shop.opens().program.adapter
        assert isinstance(adapter, Named)
        assert adapter.bot_username is None
        async with shop.polling():
            if kind is TeleBot:
                await asyncio.to_thread(lambda shop=shop: shop.bot.user)
            assert adapter.bot_username == "shop_bot"
