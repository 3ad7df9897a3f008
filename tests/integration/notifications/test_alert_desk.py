"""What owners do under an alert: deliver again, give back, ask for quiet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from aiogram.filters import Command

from neonpay import PaymentResult
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiogram.types import Message

    from neonpay.simulator import Buyer
    from tests.integration.conftest import MovableClock, Shop

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter


class Desk:
    """A shop whose deliveries fail until they do not, and its two owners."""

    def __init__(self, shop: Shop, owners: tuple[Buyer, Buyer]) -> None:
        self.shop, self.owners = shop, owners
        self.is_broken = True
        self.delivered: list[str] = []
        shop.neonpay.on_payment(max_attempts=1)(self.deliver)
        shop.neonpay.enable_alerts(admins=[owner.id for owner in owners], dashboard_url="https://shop.example.com")

    async def deliver(self, result: PaymentResult) -> None:
        if self.is_broken:
            raise RuntimeError("no more of it")
        self.delivered.append(result.transaction_id)

    async def alerts(self) -> tuple[Buyer, str, list[Message]]:
        """Somebody buys in vain, and both owners are told."""
        ann = await self.shop.visitor("Ann", stars=50)
        outcome = await self.shop.sells(ann)
        told = [await owner.hears(self.shop.account, containing="given up") for owner in self.owners]
        return ann, outcome.charge_id or "", told


def buttons(message: Message) -> list[tuple[str, str]]:
    assert message.reply_markup is not None
    return [
        (one.text, one.callback_data or one.url or "") for row in message.reply_markup.inline_keyboard for one in row
    ]


@pytest.fixture
async def desk(open_shop: Callable[..., Shop]) -> AsyncIterator[Desk]:
    shop = open_shop()
    desk = Desk(shop, (await shop.visitor("Olga"), await shop.visitor("Oleg")))
    async with shop.polling(handle_as_tasks=True):
        yield desk


async def test_a_delivery_is_tried_again_once_however_many_owners_press(desk: Desk) -> None:
    _, charge_id, told = await desk.alerts()
    assert [text for text, _ in buttons(told[0])] == ["Try again", "Give back", "Open"]
    assert all(len(data.encode()) <= 64 and charge_id[:20] not in data for _, data in buttons(told[0])[:2])
    page = f"https://shop.example.com/payments/{desk.shop.bot.id}/{quote(charge_id, safe='')}"
    assert buttons(told[0])[2][1] == page
    desk.is_broken = False
    pressed = await asyncio.gather(
        *(owner.presses("Try again", on=message) for owner, message in zip(desk.owners, told, strict=True))
    )
    await desk.shop.fact("payment_delivered")
    assert desk.delivered == [charge_id]
    assert len({press.text for press in pressed}) == 1
    assert pressed[0].text in {f"Tried again by admin {owner.id}" for owner in desk.owners}
    for owner in desk.owners:
        shown = owner.messages(desk.shop.account)[-1]
        assert (shown.text or "").endswith(pressed[0].text)
        assert [text for text, _ in buttons(shown)] == ["Open"]


@ONE_ENGINE
async def test_stars_go_back_after_a_second_press_and_an_owner_may_think_better_of_it(desk: Desk) -> None:
    ann, _, (told, _) = await desk.alerts()
    olga, account = desk.owners[0], desk.shop.account
    for answer in ("No", "Yes, give 50 Stars back"):
        await olga.presses("Give back", on=olga.messages(account)[-1])
        assert ann.stars == 0
        pressed = await olga.presses(answer, on=olga.messages(account)[-1])
    assert pressed.text == f"Given back by admin {olga.id}"
    assert ann.stars == 50
    fact = await desk.shop.fact("payment_refunded")
    refund = await desk.shop.neonpay.refunds.get(fact.charge_id or "")
    assert refund is not None
    assert refund.requested_by == f"admin {olga.id}"
    assert told.message_id == olga.messages(account)[-1].message_id


@ONE_ENGINE
async def test_a_button_is_for_owners_alone(desk: Desk) -> None:
    ann, _, (told, _) = await desk.alerts()
    copy = await ann.receives(told, from_=desk.owners[0])
    data = buttons(told)[1][1].replace("back", "sure")
    update = {
        "update_id": 1,
        "callback_query": {
            "id": "77",
            "from": {"id": ann.id, "is_bot": False, "first_name": "Ann"},
            "chat_instance": "1",
            "data": data,
            "message": {"message_id": copy.message_id, "date": 1, "chat": {"id": ann.id, "type": "private"}},
        },
    }
    await desk.shop.dispatcher.feed_raw_update(desk.shop.bot, update)
    assert desk.shop.telegram.calls("answerCallbackQuery")[-1].params["text"] == "This button is not for you."
    assert ann.stars == 0


@ONE_ENGINE
async def test_mute_is_quiet_for_a_while_and_the_hosts_own_for_everybody_else(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    owner, ann = await shop.visitor("Olga"), await shop.visitor("Ann")

    @shop.dispatcher.message(Command("mute"))
    async def mute(message: Message) -> None:
        await message.answer("Your reminders are muted.")

    shop.neonpay.on_payment(_nothing)
    shop.neonpay.enable_alerts(admins=[owner.id], sales=True, zone="Europe/Moscow")
    async with shop.polling():
        for words, answer in (
            ("/mute", "Write /mute 30m"),
            ("/mute 31d", "Write /mute 30m"),
            ("/mute 2h", "🔕 Quiet until 2026-09-21 19:13 Europe/Moscow."),
        ):
            await owner.says(words, to=shop.account)
            assert ((await owner.hears(shop.account)).text or "").startswith(answer)
        await ann.says("/mute 2h", to=shop.account)
        assert (await ann.hears(shop.account)).text == "Your reminders are muted."
        await shop.sells(ann)
        await shop.fact("payment_delivered")
        clock.advance(3600)
        before = len(owner.messages(shop.account))
        await owner.says("/mute off", to=shop.account)
        assert (await owner.hears(shop.account)).text == "🔔 You are told of everything again."
        assert "Sold" in ((await owner.hears(shop.account)).text or "")
    assert len(owner.messages(shop.account)) == before + 3


async def _nothing(payment: Any) -> None:
    """There is nothing to deliver."""


@ONE_ENGINE
def test_an_address_that_telegram_takes_for_no_button_is_refused_at_once(open_shop: Callable[..., Shop]) -> None:
    with pytest.raises(ConfigurationError, match="'localhost', which Telegram takes for no button"):
        open_shop().neonpay.enable_alerts(dashboard_url="http://localhost:8081")
