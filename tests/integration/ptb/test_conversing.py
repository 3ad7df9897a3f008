"""Commands and buttons of ours are answered by us, and the host's by the host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from telegram import CallbackQuery, Update, User
from telegram.ext import CallbackQueryHandler, InvalidCallbackData

from neonpay import RefundPolicy
from tests.integration.ptb.conftest import VIP, PtbShop
from tests.integration.ptb.test_guest_manners import notes_everything


def notes_presses(shop: PtbShop) -> list[object]:
    pressed: list[object] = []

    async def note(update: Update, _: Any) -> None:
        assert update.callback_query is not None
        pressed.append(update.callback_query.data)

    shop.application.add_handler(CallbackQueryHandler(note))
    return pressed


def supports(shop: PtbShop) -> None:
    shop.sells_through(shop.application)
    shop.neonpay.replace_payment_stage("vip", replace(VIP, refund_policy=RefundPolicy(window_days=14)))
    shop.neonpay.enable_support(terms="Be kind.")


async def test_a_buyer_asks_for_their_stars_with_buttons(shop: PtbShop) -> None:
    caught, pressed = notes_everything(shop.application), notes_presses(shop)
    supports(shop)
    async with shop.polling(allowed_updates=["message"]):
        ann = await shop.visitor()
        await shop.sells(ann)
        await ann.says("/paysupport", to=shop.account)
        asked = await ann.hears(shop.account, predicate=lambda m: m.invoice is None and m.reply_markup is not None)
        await ann.presses("VIP", on=asked)
        confirm = await ann.hears(shop.account, predicate=lambda m: m.invoice is None and m.reply_markup is not None)
        await ann.presses("Ask for a refund", on=confirm)
        answer = await ann.hears(shop.account, containing="granted")
        await ann.says("/menu", to=shop.account)
        await shop.settles()

    assert "50 Stars" in str(answer.text)
    assert (caught, pressed) == (["/start", "/menu"], [])


@pytest.mark.parametrize("ours", [True, False])
async def test_a_button_is_known_in_a_host_that_keeps_objects_behind_its_buttons(shop: PtbShop, *, ours: bool) -> None:
    """With arbitrary_callback_data the library puts an InvalidCallbackData in the place of data that it did not make."""
    pressed = notes_presses(shop)
    supports(shop)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann)
        await ann.says("/paysupport", to=shop.account)
        asked = await ann.hears(shop.account, predicate=lambda m: m.invoice is None and m.reply_markup is not None)
        assert asked.reply_markup is not None
        words = asked.reply_markup.inline_keyboard[0][0].callback_data if ours else "the host's"
        data: Any = InvalidCallbackData(words)
        query = CallbackQuery("77", User(ann.id, "Ann", is_bot=False), "1", data=data)
        await shop.application.process_update(Update(77, callback_query=query))
        answered = [call.params["callback_query_id"] for call in shop.telegram.calls("answerCallbackQuery")]

    assert answered == (["77"] if ours else [])
    assert pressed == ([] if ours else [data])


async def test_an_object_behind_a_button_of_the_host_is_the_hosts(shop: PtbShop) -> None:
    pressed = notes_presses(shop)
    supports(shop)
    data: Any = ("an", "object")
    async with shop.started():
        query = CallbackQuery("78", User(7, "Ann", is_bot=False), "1", data=data)
        await shop.application.process_update(Update(78, callback_query=query))

    assert pressed == [data]
