"""An invoice in a topic of a chat: it is kept, and what follows in that chat goes to that topic.

A private chat of the simulator has no topics, so Telegram here is told of none: what is asserted is what the bot has sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay import PaymentContext, PaymentResult
from neonpay.notifications import BuyerMessages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

TOPIC = 77


def topics(shop: Shop, *, refused: tuple[str, ...] = ()) -> list[tuple[str, int, int | None]]:
    """What the bot sends from now on: method, chat and topic. The topic goes no further, but for what is to be refused."""
    sent: list[tuple[str, int, int | None]] = []

    async def without_topics(make_request: Any, bot: Any, method: Any) -> Any:
        name = getattr(method, "__api_method__", "")
        if name in {"sendMessage", "sendInvoice"}:
            topic = getattr(method, "message_thread_id", None)
            sent.append((name, method.chat_id, topic))
            if topic is not None and name not in refused:
                method = method.model_copy(update={"message_thread_id": None})
        return await make_request(bot, method)

    shop.bot.session.middleware.register(without_topics)
    return sent


def tells(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.tell("Here you are.")


async def test_an_invoice_and_what_follows_it_go_to_one_topic(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(thank_you_message="Thank you!")
    tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        sent = topics(shop)
        invoice = await shop.neonpay.send_payment(ann.id, "vip", message_thread_id=TOPIC)
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        await shop.delivers(outcome)
        kept = await shop.neonpay.invoices.get(invoice.invoice_id)

    assert sent[0] == ("sendInvoice", ann.id, TOPIC)
    assert sent[1:] == [("sendMessage", ann.id, TOPIC)] * 2
    assert invoice.message_thread_id == TOPIC
    assert kept is not None
    assert kept.message_thread_id == TOPIC


async def test_a_topic_that_is_gone_keeps_nobody_from_being_told(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(thank_you_message="Thank you!")
    tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        sent = topics(shop, refused=("sendMessage",))
        await shop.neonpay.send_payment(ann.id, "vip", message_thread_id=TOPIC)
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        await shop.delivers(outcome)
        jobs = await shop.neonpay.jobs.of(outcome.charge_id or "")

    assert {job.state for job in jobs} == {"done"}
    assert sorted(topic or 0 for _, _, topic in sent[1:]) == [0, 0, TOPIC, TOPIC]
    assert {m.text for m in ann.messages(shop.account)} >= {"Thank you!", "Here you are."}


async def test_what_is_for_the_buyer_alone_stays_out_of_a_groups_topic(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        group = shop.telegram.group("Tea", members=[ann, shop.account])
        sent = topics(shop)
        await shop.neonpay.send_payment(ann.id, "vip", chat_id=group.id, message_thread_id=TOPIC)
        outcome = await ann.pays(await ann.hears(group, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        await shop.delivers(outcome)

    assert sent == [("sendInvoice", group.id, TOPIC), ("sendMessage", ann.id, None)]


async def test_an_invoice_without_a_topic_names_none(shop: Shop) -> None:
    tells(shop)
    async with shop.polling():
        ann = await shop.visitor()
        sent = topics(shop)
        await shop.delivers(await shop.sells(ann))

    assert [topic for _, _, topic in sent] == [None, None]


@pytest.mark.parametrize("is_private", [True, False])
async def test_what_is_asked_for_by_a_button_comes_into_the_topic_of_the_button_where_that_is_the_buyers(
    open_shop: Callable[..., Shop], is_private: bool
) -> None:
    shop = open_shop()
    tells(shop)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor()
        await shop.delivers(await shop.sells(ann))
        await ann.hears(shop.account, containing="🧾")  # the receipt that comes by itself
        await ann.says("/orders", to=shop.account)
        listed = await ann.hears(shop.account, containing="last purchases")
        assert listed.reply_markup is not None
        sent = topics(shop)
        chat = {"id": ann.id, "type": "private"} if is_private else {"id": -100, "type": "supergroup", "title": "Tea"}
        topic = {"message_thread_id": TOPIC, "is_topic_message": True}
        under = {"message_id": 1, "date": 1, "chat": chat, "text": "x", **topic}
        pressed = {"id": "1", "from": {"id": ann.id, "is_bot": False, "first_name": "Ann"}, "chat_instance": "1"}
        pressed |= {"message": under, "data": listed.reply_markup.inline_keyboard[0][0].callback_data}
        await shop.dispatcher.feed_raw_update(shop.bot, {"update_id": 1, "callback_query": pressed})
        await ann.hears(shop.account, containing="🧾")

    assert sent == [("sendMessage", ann.id, TOPIC if is_private else None)]
