"""An AsyncTeleBot's own handlers, states and middlewares neither lose a payment nor see one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from telebot import types, util
from telebot.async_telebot import AsyncTeleBot
from telebot.asyncio_handler_backends import BaseMiddleware, CancelUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.telebot.conftest import Shop


def takes_everything(shop: Shop) -> None:
    async def message(message: types.Message) -> None:
        shop.seen.add(message.text or message.content_type or "?")

    async def checkout(query: types.PreCheckoutQuery) -> None:
        shop.seen.add(query.invoice_payload)

    shop.bot.register_message_handler(message, content_types=[*util.content_type_media, *util.content_type_service])
    shop.bot.register_pre_checkout_query_handler(checkout, func=lambda _: True)


@pytest.mark.parametrize("attached", ["before the handlers", "after the handlers", "while it polls"])
async def test_handlers_that_take_everything_get_nothing_of_ours_whenever_we_came(
    new_shop: Callable[..., Shop], attached: str
) -> None:
    shop = new_shop(AsyncTeleBot)
    if attached == "before the handlers":
        shop.opens()
    takes_everything(shop)
    if attached == "after the handlers":
        shop.opens()
    async with shop.polling():
        if attached == "while it polls":
            shop.opens()
        ann = await shop.visitor()
        await shop.seen.has(lambda word: word == "/start")
        outcome = await shop.sells(ann)
        await shop.neonpay.refund(outcome.charge_id or "")
        await ann.says("bye", to=shop.account)
        await shop.seen.has(lambda word: word == "bye")

    assert shop.seen.all == ["/start", "bye"]


async def test_a_middleware_that_cancels_everything_cancels_no_payment(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop(AsyncTeleBot)

    class Gate(BaseMiddleware):
        def __init__(self) -> None:
            self.update_types = ["message", "pre_checkout_query"]
            self.update_sensitive = False

        async def pre_process(self, message: types.Message, data: dict[str, Any]) -> CancelUpdate:
            shop.seen.add(f"gate {message.text}")
            return CancelUpdate()

        async def post_process(
            self, message: types.Message, data: dict[str, Any], exception: BaseException | None
        ) -> None: ...

    shop.bot.setup_middleware(Gate())
    takes_everything(shop)
    shop.opens()
    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.seen.has()

    assert shop.seen.all == ["gate /start"]


async def test_a_state_of_the_buyer_is_not_left_by_a_payment(async_shop: Shop) -> None:
    shop = async_shop
    takes_everything(shop)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.seen.has()
        await shop.bot.set_state(ann.id, "asked for a name", ann.id)
        await shop.sells(ann)

        assert await shop.bot.get_state(ann.id, ann.id) == "asked for a name"
    assert shop.seen.all == ["/start"]
