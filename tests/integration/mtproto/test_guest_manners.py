"""A host that speaks MTProto notices nothing of us but that its payments are taken care of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from neonpay.simulator import Buyer
from tests.integration.mtproto.conftest import MtprotoShop
from tests.integration.mtproto.libraries import INSTALLED, MtprotoBot

OURS = {"MessageActionPaymentSentMe", "MessageActionPaymentRefunded", "UpdateBotPrecheckoutQuery"}


@pytest.mark.parametrize("when", ["before its handlers", "after its handlers", "while it runs"])
async def test_a_shop_may_be_made_at_any_time(make_shop: Callable[..., MtprotoShop], when: str) -> None:
    shop = make_shop()
    seen: list[Any] = []

    async def note(update: Any) -> None:
        seen.append(update)

    if when == "before its handlers":
        shop.sells_from_now_on()
    shop.bot.adds_first(note)
    if when == "after its handlers":
        shop.sells_from_now_on()
    await shop.bot.start()
    if when == "while it runs":
        shop.sells_from_now_on()

    ann = await shop.visitor()
    outcome = await shop.sells(ann)
    await shop.neonpay.refund(outcome.charge_id or "")
    await ann.says("done", to=shop.account)
    await shop.bot.hears("done")

    assert (outcome.status, shop.bot.heard.all) == ("paid", ["/start", "done"])
    refunds = 0 if shop.neonpay.program.capabilities().refund_updates else 1
    assert len(seen) == len(shop.host_saw()) == 2 + refunds
    assert OURS.isdisjoint(shop.host_saw())


async def test_a_handler_that_stops_everything_before_all_others_stops_no_payment(
    make_shop: Callable[..., MtprotoShop],
) -> None:
    shop = make_shop()
    stopped: list[str] = []

    async def gate(update: Any) -> None:
        stopped.append(type(update).__name__)

    shop.sells_from_now_on()
    shop.bot.adds_first(gate, stops=True)
    await shop.bot.start()
    outcome = await shop.sells(await shop.visitor())

    assert outcome.status == "paid"
    assert set(stopped) <= {"UpdateNewMessage"}
    assert shop.bot.heard.all == []


async def test_a_handler_of_the_host_that_fails_does_no_harm(make_shop: Callable[..., MtprotoShop]) -> None:
    shop = make_shop()

    async def fails(update: Any) -> None:
        raise RuntimeError("the host's own")

    shop.bot.adds_first(fails)
    shop.sells_from_now_on()
    await shop.bot.start()

    assert (await shop.sells(await shop.visitor())).status == "paid"


async def test_an_invoice_of_the_hosts_own_reaches_the_host_and_leaves_no_trace_with_us(shop: MtprotoShop) -> None:
    ann = await shop.visitor()
    outcome = await _pays_the_host(shop.bot, ann)
    (paid,) = await shop.bot.raw.has(lambda update: getattr(getattr(update, "message", None), "action", None))

    assert (outcome, paid.message.action.payload) == ("paid", b"order-1")
    assert shop.host_saw().count("UpdateBotPrecheckoutQuery") == 1
    assert await shop.neonpay.payments.list() == []
    assert shop.delivered.all == []


async def test_payments_of_both_do_not_mix(shop: MtprotoShop) -> None:
    ann = await shop.visitor()
    await _pays_the_host(shop.bot, ann)
    ours = await shop.sells(ann)
    await _pays_the_host(shop.bot, ann)

    assert [payment.charge_id for payment in await shop.neonpay.payments.list()] == [ours.charge_id]
    assert shop.host_saw().count("UpdateBotPrecheckoutQuery") == 2


async def test_a_host_that_takes_one_update_after_the_other_does_not_delay_a_checkout(
    make_shop: Callable[..., MtprotoShop], library: str
) -> None:
    shop = make_shop(**({"sequential_updates": True} if library == "telethon" else {"workers": 1}))
    busy, done = asyncio.Event(), asyncio.Event()

    async def answer(_: Any) -> None:
        busy.set()
        await done.wait()

    shop.bot.answer = answer
    shop.sells_from_now_on()
    await shop.bot.start()
    ann = await shop.visitor()
    await busy.wait()
    outcome = await shop.sells(ann)
    done.set()

    assert outcome.status == "paid"


async def test_a_checkout_that_comes_without_its_buyer_is_answered(shop: MtprotoShop) -> None:
    """Parsers of the family look the buyer up among the users of the update, and drop the update when that fails."""
    ann = await shop.visitor()
    link = (await shop.neonpay.create_payment_link("vip")).link or ""
    (call,) = shop.telegram.calls("createInvoiceLink")
    assert link
    query = shop.bot.tl(
        "UpdateBotPrecheckoutQuery",
        query_id=17,
        user_id=ann.id,
        payload=str(call.params["payload"]).encode(),
        currency="XTR",
        total_amount=50,
    )
    await shop.bot.receives(shop.bot.tl("UpdateShort", update=query, date=1_790_000_000))
    (answered,) = await shop.telegram.called("answerPreCheckoutQuery")

    assert (answered.params["pre_checkout_query_id"], answered.via) == ("17", "mtproto")


# Telethon parses nothing before its handlers.
@pytest.mark.parametrize("library", [name for name in INSTALLED if name != "telethon"])
async def test_a_parser_that_fails_loses_no_payment(make_shop: Callable[..., MtprotoShop]) -> None:
    shop = make_shop()
    shop.sells_from_now_on()
    parsers = shop.bot.client.dispatcher.update_parsers

    async def fails(update: Any, users: Any, chats: Any) -> None:
        raise RuntimeError("a parser that is older than Telegram")

    for kind in parsers:
        parsers[kind] = fails
    await shop.bot.start()

    assert (await shop.sells(await shop.visitor())).status == "paid"


async def test_a_client_that_is_started_again_goes_on_selling(shop: MtprotoShop) -> None:
    """Kurigram forgets the handlers of the host when it stops; ours is none."""
    ann = await shop.visitor()
    await shop.sells(ann)
    await shop.bot.stop()
    assert shop.neonpay.get_stats()["is_open"] is False

    await shop.bot.start()
    assert shop.neonpay.get_stats()["is_open"] is True
    await shop.sells(ann)
    assert len(await shop.neonpay.payments.list()) == 2


async def test_two_bots_in_one_process_keep_their_money_apart(make_shop: Callable[..., MtprotoShop]) -> None:
    shops = [make_shop("first_bot"), make_shop("second_bot")]
    for shop in shops:
        shop.sells_from_now_on()
        await shop.bot.start()
    for shop in shops:
        outcome = await shop.sells(await shop.visitor())
        assert [payment.charge_id for payment in await shop.neonpay.payments.list()] == [outcome.charge_id]


async def test_a_buyer_asks_for_their_stars_with_buttons(make_shop: Callable[..., MtprotoShop]) -> None:
    shop = make_shop()
    shop.sells_from_now_on()
    olga = shop.telegram.user("Olga")
    shop.neonpay.enable_support(admins=[olga.id])
    await shop.bot.start()
    await olga.says("/start", to=shop.account)
    ann = await shop.visitor()
    await shop.sells(ann)
    await ann.says("/paysupport", to=shop.account)
    asked = await ann.hears(shop.account, predicate=_has_buttons)
    await ann.presses("VIP", on=asked)
    confirm = await ann.hears(shop.account, predicate=_has_buttons)
    await ann.presses("Ask", on=confirm)
    to_decide = await olga.hears(shop.account, predicate=_has_buttons)
    pressed = await olga.presses("Approve", on=to_decide)
    await ann.hears(shop.account, containing="granted")

    # The update of a pressed button comes without the text above it, which stays where it was.
    assert olga.messages(shop.account)[-1].text == f"{to_decide.text}\n\n{pressed.text}"
    assert "UpdateBotCallbackQuery" not in shop.host_saw()
    assert "/paysupport" not in shop.bot.heard.all


def _has_buttons(message: Any) -> bool:
    return message.invoice is None and message.reply_markup is not None


async def _pays_the_host(bot: MtprotoBot, buyer: Buyer) -> str:
    seen = [update for update in bot.raw.all if type(update).__name__ == "UpdateBotPrecheckoutQuery"]
    await bot.sends_invoice(buyer.id)
    invoice = await buyer.hears(bot.account, predicate=lambda m: m.invoice is not None and m.invoice.title == "Tea")
    checkout = await buyer.begins_to_pay(invoice)
    query = await bot.hears_raw("UpdateBotPrecheckoutQuery", count=len(seen) + 1)
    assert bytes(query.payload) == b"order-1"
    await bot.approves(checkout.query_id)
    return (await checkout.outcome()).status
