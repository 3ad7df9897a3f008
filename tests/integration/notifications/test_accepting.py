"""A payment that waits for a person is accepted where its owners read of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.backup.settling import fence
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiogram.types import Message

    from neonpay import PaymentResult
    from neonpay.simulator import Buyer
    from tests.integration.conftest import Shop

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter


YEAR_2100_US = 4_102_444_800_000_000


class Desk:
    """Two owners of a shop in which nobody delivers a payment until ``delivers`` is called."""

    def __init__(self, shop: Shop, owners: tuple[Buyer, Buyer]) -> None:
        self.shop, self.owners = shop, owners
        self.delivered: list[str] = []
        shop.neonpay.enable_alerts(admins=[owner.id for owner in owners])

    async def alerts(self) -> tuple[Buyer, str, list[Message]]:
        """Somebody buys what nobody delivers, and both owners are told."""
        ann = await self.shop.visitor("Ann", stars=50)
        outcome = await self.shop.sells(ann)
        async with asyncio.timeout(100):
            while not await self.shop.neonpay.payments.history(ann.id):
                await between_looks()
        assert self.shop.clock is not None
        self.shop.clock.advance(600)
        told = [await owner.hears(self.shop.account, containing="waits for your decision") for owner in self.owners]
        return ann, outcome.charge_id or "", told

    async def delivers(self) -> None:
        """From now on the shop has a handler, and all its programs know."""

        async def deliver(result: PaymentResult) -> None:
            self.delivered.append(result.transaction_id)

        self.shop.neonpay.on_payment(name="deliver")(deliver)
        async with asyncio.timeout(100):
            while not any("deliver" in str(one) for one in await self.shop.neonpay.handlers.list()):
                await between_looks()

    async def asked(self, owner: Buyer, button: str) -> tuple[str | None, Message]:
        """What an owner reads on a press, and the message with its buttons afterwards."""
        pressed = await owner.presses(button, on=owner.messages(self.shop.account)[-1])
        return pressed.text, owner.messages(self.shop.account)[-1]


def labels(message: Message) -> list[str]:
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else []
    return [one.text for row in rows for one in row]


@pytest.fixture
async def desk(open_shop: Callable[..., Shop]) -> AsyncIterator[Desk]:
    shop = open_shop()
    desk = Desk(shop, (await shop.visitor("Olga"), await shop.visitor("Oleg")))
    async with shop.polling(handle_as_tasks=True):
        yield desk


async def test_a_payment_is_accepted_once_after_a_second_press_of_either_owner(desk: Desk) -> None:
    _, charge_id, told = await desk.alerts()
    assert labels(told[0]) == ["Accept", "Give back"]
    await desk.delivers()
    for owner in desk.owners:
        _, asks = await desk.asked(owner, "Accept")
        assert labels(asks) == ["Yes, accept 50 Stars and deliver", "No"]
    said = await asyncio.gather(*(desk.asked(owner, "Yes, accept 50 Stars and deliver") for owner in desk.owners))
    await desk.shop.fact("payment_delivered")
    assert desk.delivered == [charge_id]
    assert {text for text, _ in said} == {said[0][0]}
    assert said[0][0] in {f"Accepted by admin {owner.id}; it is delivered now" for owner in desk.owners}
    assert [labels(owner.messages(desk.shop.account)[-1]) for owner in desk.owners] == [[], []]


@ONE_ENGINE
async def test_what_somebody_else_has_accepted_is_neither_accepted_again_nor_given_back_unknowingly(desk: Desk) -> None:
    _, charge_id, _ = await desk.alerts()
    await desk.delivers()
    await desk.shop.neonpay.payments.accept(charge_id)
    olga, oleg = desk.owners
    await desk.asked(olga, "Accept")
    text, _ = await desk.asked(olga, "Yes, accept 50 Stars and deliver")
    assert text == "It has been accepted already."
    assert await desk.asked(oleg, "Give back") == (
        "It has been accepted already.",
        oleg.messages(desk.shop.account)[-1],
    )
    await desk.shop.fact("payment_delivered")
    assert desk.delivered == [charge_id]


@ONE_ENGINE
async def test_what_nobody_delivers_or_has_gone_back_is_not_accepted_and_says_why(desk: Desk) -> None:
    ann, charge_id, _ = await desk.alerts()
    olga = desk.owners[0]
    await desk.asked(olga, "Accept")
    text, shown = await desk.asked(olga, "Yes, accept 50 Stars and deliver")
    assert text == "No program of the shop delivers it now. Start one that does, or give it back."
    await desk.delivers()
    await desk.shop.neonpay.refund(charge_id)
    assert ann.stars == 50
    text, shown = await desk.asked(olga, "Yes, accept 50 Stars and deliver")
    assert text == "Its Stars have gone back, or are on their way."
    assert labels(shown) == ["Yes, accept 50 Stars and deliver", "No"]
    assert desk.delivered == []


@ONE_ENGINE
async def test_whoever_is_no_owner_accepts_nothing(desk: Desk) -> None:
    ann, charge_id, (told, _) = await desk.alerts()
    await desk.delivers()
    copy = await ann.receives(told, from_=desk.owners[0])
    assert told.reply_markup is not None
    data = (told.reply_markup.inline_keyboard[0][0].callback_data or "").replace("accept", "deliver")
    message: dict[str, Any] = {
        "message_id": copy.message_id,
        "date": 1,
        "chat": {"id": ann.id, "type": "private"},
    }
    query = {
        "id": "77",
        "from": {"id": ann.id, "is_bot": False, "first_name": "Ann"},
        "chat_instance": "1",
        "data": data,
        "message": message,
    }
    await desk.shop.dispatcher.feed_raw_update(desk.shop.bot, {"update_id": 1, "callback_query": query})
    assert desk.shop.telegram.calls("answerCallbackQuery")[-1].params["text"] == "This button is not for you."
    payment = await desk.shop.neonpay.payments.get(charge_id)
    assert payment is not None
    assert payment.state == "needs_attention"


@ONE_ENGINE
async def test_what_may_have_been_delivered_before_a_restore_is_not_delivered_by_the_press_that_accepts(
    desk: Desk,
) -> None:
    shop, olga = desk.shop, desk.owners[0]
    await desk.delivers()
    await shop.neonpay.program.pipeline.ledger.run(
        lambda transaction: fence(transaction, "backup_1", made_us=1, now_us=YEAR_2100_US, parked={})
    )
    outcome = await shop.sells(await shop.visitor("Ann", stars=50))
    told = await olga.hears(shop.account, containing="may have been delivered before the ledger was restored")
    assert labels(told) == ["Accept", "Give back"]
    _, asks = await desk.asked(olga, "Accept")
    assert labels(asks) == ["It was delivered already", "Yes, accept 50 Stars and deliver", "No"]
    text, shown = await desk.asked(olga, "It was delivered already")
    assert text == f"Counted as delivered, by admin {olga.id}"
    assert labels(shown) == []
    assert (await shop.neonpay.payments.get(outcome.charge_id or "")).state == "accepted"
    await shop.settles()
    assert desk.delivered == []
