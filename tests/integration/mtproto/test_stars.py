"""Commands, typing, the balance, transactions and gifts, as a client of each MTProto library asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from neonpay.errors import SimulatorError
from neonpay.simulator import Buyer
from neonpay.telegram.client import BotApiClient
from tests.integration.mtproto.libraries import MtprotoBot


@pytest.fixture
async def ann(bot: MtprotoBot) -> Buyer:
    """Somebody who has written to the bot."""
    ann = bot.telegram.user("Ann", stars=500)
    await ann.says("hi", to=bot.account)
    await bot.telegram.idle(bot.account)
    return ann


def has_gifts(bot: MtprotoBot) -> bool:
    """Whether the layer of the library has gifts; those of two are older."""
    is_new = bot.knows("InputInvoiceStarGift")
    assert is_new or bot.library in {"pyrogram", "hydrogram"}
    return is_new


async def test_commands_are_set_looked_at_and_taken_back(bot: MtprotoBot) -> None:
    scope, buy = bot.tl("BotCommandScopeDefault"), bot.tl("BotCommand", command="buy", description="Buy something")
    assert await bot.ask("bots.SetBotCommands", scope=scope, lang_code="", commands=[buy])
    (found,) = await bot.ask("bots.GetBotCommands", scope=scope, lang_code="")
    assert (found.command, found.description) == ("buy", "Buy something")
    assert [command.command for command in bot.account.profile.commands[("default", "")]] == ["buy"]
    assert await bot.ask("bots.ResetBotCommands", scope=scope, lang_code="")
    assert list(await bot.ask("bots.GetBotCommands", scope=scope, lang_code="")) == []


async def test_commands_of_one_chat_are_its_own(bot: MtprotoBot, ann: Buyer) -> None:
    scope = bot.tl("BotCommandScopePeer", peer=bot.peer(ann.id))
    await bot.ask(
        "bots.SetBotCommands",
        scope=scope,
        lang_code="de",
        commands=[bot.tl("BotCommand", command="a", description="b")],
    )
    assert list(bot.account.profile.commands) == [(f"chat:{ann.id}", "de")]


async def test_a_command_that_is_none_is_refused(bot: MtprotoBot) -> None:
    commands = [bot.tl("BotCommand", command="Not one", description="x")]
    with pytest.raises(Exception, match=r"BOT_COMMAND_INVALID|BotCommandInvalid|command is invalid"):
        await bot.ask("bots.SetBotCommands", scope=bot.tl("BotCommandScopeDefault"), lang_code="", commands=commands)


async def test_a_bot_seems_to_be_typing(bot: MtprotoBot, ann: Buyer) -> None:
    assert await bot.ask("messages.SetTyping", peer=bot.peer(ann.id), action=bot.tl("SendMessageTypingAction"))
    if bot.library == "telethon":
        await bot.client.action(bot.peer(ann.id), "cancel")
    else:
        enums = __import__(f"{bot.client.__module__.partition('.')[0]}.enums", fromlist=["ChatAction"])
        await bot.client.send_chat_action(ann.id, enums.ChatAction.CANCEL)
    assert [call.params["action"] for call in bot.telegram.calls("sendChatAction")] == ["typing", "cancel"]


async def test_the_list_of_transactions_says_what_came_and_went(bot: MtprotoBot, ann: Buyer) -> None:
    if not bot.knows("StarsTransaction"):
        assert bot.library == "pyrogram"
        return
    charges = [await _sale(bot, ann, f"order-{number}", amount=number) for number in (1, 2, 3)]
    async with BotApiClient(bot.account.token, base_url=bot.telegram.base_url) as http:
        await http.call("refundStarPayment", {"user_id": ann.id, "telegram_payment_charge_id": charges[0]})
    found = await _transactions(bot)
    assert [(row.id, _stars(row), bool(row.refund)) for row in found.history] == [
        (charges[0], -1, True), (charges[2], 3, False), (charges[1], 2, False), (charges[0], 1, False),
    ]  # fmt: skip
    first = found.history[-1]
    assert (first.peer.peer.user_id, first.title, first.description) == (ann.id, "Tea", "A cup of tea")
    if bot.knows("StarsTransaction", "bot_payload"):
        assert bytes(first.bot_payload) == b"order-1"
    assert _stars(found, "balance") == 5
    assert [user.id for user in found.users if user.id == ann.id] == [ann.id]
    incoming = await _transactions(bot, inbound=True)
    assert [row.id for row in incoming.history] == charges[::-1]


async def test_the_list_of_transactions_comes_in_pages(bot: MtprotoBot, ann: Buyer) -> None:
    if not has_gifts(bot):
        return
    charges = [await _sale(bot, ann, "tea", amount=1) for _ in range(3)]
    first = await _transactions(bot, ascending=True, limit=2)
    second = await _transactions(bot, ascending=True, limit=2, offset=first.next_offset)
    assert [row.id for row in [*first.history, *second.history]] == charges
    assert second.next_offset is None
    status = await bot.ask("payments.GetStarsStatus", peer=bot.tl("InputPeerSelf"))
    assert status.balance.amount == 3
    assert (await _transactions(bot, limit=0)).balance.amount == 3


async def test_a_withdrawal_is_in_the_list(bot: MtprotoBot, ann: Buyer) -> None:
    if not has_gifts(bot):
        return
    bot.account.balance_stars = 2_000
    bot.telegram.treasury(bot.account).withdraws(1_000)
    (row,) = (await _transactions(bot)).history
    assert (type(row.peer).__name__, row.amount.amount, row.pending) == ("StarsTransactionPeerFragment", -1_000, True)


async def test_nobody_elses_transactions_are_shown(bot: MtprotoBot, ann: Buyer) -> None:
    if not has_gifts(bot):
        return
    with pytest.raises(Exception, match=r"PEER_ID_INVALID|invalid Peer"):
        await bot.ask("payments.GetStarsStatus", peer=bot.peer(ann.id))


async def test_a_gift_is_bought_and_seen(bot: MtprotoBot, ann: Buyer) -> None:
    if not has_gifts(bot):
        return
    bot.account.balance_stars = 100
    gifts = (await bot.ask("payments.GetStarGifts", hash=0)).gifts
    assert sorted(gift.stars for gift in gifts) == [15, 50, 100, 200]
    cheapest = min(gifts, key=lambda gift: gift.stars)
    words = bot.tl("TextWithEntities", text="For you", entities=[bot.tl("MessageEntityBold", offset=0, length=3)])
    invoice = bot.tl("InputInvoiceStarGift", peer=bot.peer(ann.id), gift_id=cheapest.id, message=words)
    form = await bot.ask("payments.GetPaymentForm", invoice=invoice)
    assert sum(price.amount for price in form.invoice.prices) == 15
    await bot.ask("payments.SendStarsForm", form_id=form.form_id, invoice=invoice)
    assert bot.account.balance_stars == 85

    saved = await bot.ask("payments.GetSavedStarGifts", peer=bot.peer(ann.id), offset="", limit=10)
    (gift,) = saved.gifts
    assert (saved.count, gift.gift.id, gift.from_id.user_id, gift.message.text) == (
        1, cheapest.id, bot.account.id, "For you",
    )  # fmt: skip
    (row,) = (await _transactions(bot)).history
    assert (row.amount.amount, row.stargift.id, row.peer.peer.user_id) == (-15, cheapest.id, ann.id)


async def test_gifts_go_by_the_librarys_own_methods(bot: MtprotoBot, ann: Buyer) -> None:
    if not hasattr(bot.client, "send_gift"):
        assert bot.library in {"telethon", "pyrogram", "hydrogram"}
        return
    bot.account.balance_stars = 100
    cheapest = min(await bot.client.get_available_gifts(), key=_price)
    await bot.client.send_gift(ann.id, cheapest.id)
    assert bot.account.balance_stars == 85
    if bot.library == "pyrofork":
        return  # its get_chat_gifts of 2.3.69 names a filter that its own layer does not have
    assert [gift.id async for gift in bot.client.get_chat_gifts(ann.id)] == [cheapest.id]
    assert await bot.client.get_stars_balance() == 85


async def test_a_gift_that_cannot_be_bought_is_refused(bot: MtprotoBot, ann: Buyer) -> None:
    if not has_gifts(bot):
        return
    gift = min((await bot.ask("payments.GetStarGifts", hash=0)).gifts, key=lambda gift: gift.stars)
    invoice = bot.tl("InputInvoiceStarGift", peer=bot.peer(ann.id), gift_id=gift.id)
    form = await bot.ask("payments.GetPaymentForm", invoice=invoice)
    with pytest.raises(Exception, match=r"BALANCE_TOO_LOW|balance"):
        await bot.ask("payments.SendStarsForm", form_id=form.form_id, invoice=invoice)
    with pytest.raises(Exception, match=r"FORM_EXPIRED|form"):
        await bot.ask("payments.SendStarsForm", form_id=1, invoice=invoice)
    unknown = bot.tl("InputInvoiceStarGift", peer=bot.peer(ann.id), gift_id=7)
    with pytest.raises(Exception, match=r"STARGIFT_INVALID|gift"):
        await bot.ask("payments.GetPaymentForm", invoice=unknown)


async def test_what_else_can_be_paid_is_not_simulated(bot: MtprotoBot) -> None:
    invoice = bot.tl("InputInvoiceSlug", slug="x")
    with pytest.raises(SimulatorError, match="paying InputInvoiceSlug is not simulated"):
        await bot.ask("payments.GetPaymentForm", invoice=invoice)


async def _sale(bot: MtprotoBot, buyer: Buyer, payload: str, *, amount: int) -> str:
    await bot.sends_invoice(buyer.id, payload, amount)
    checkout = await buyer.begins_to_pay(await buyer.hears(bot.account))
    await bot.approves(checkout.query_id)
    return (await checkout.outcome()).charge_id or ""


async def _transactions(bot: MtprotoBot, **fields: Any) -> Any:
    given = {"peer": bot.tl("InputPeerSelf"), "offset": "", **fields}
    try:
        return await bot.ask("payments.GetStarsTransactions", **{"limit": 100, **given})
    except TypeError:  # an older layer
        return await bot.ask("payments.GetStarsTransactions", **given)


def _stars(thing: Any, name: str = "amount") -> int:
    amount = getattr(thing, name, None)
    if amount is None:
        amount = thing.stars
    return int(getattr(amount, "amount", amount))


def _price(gift: Any) -> int:
    price = getattr(gift, "star_count", None)
    return int(gift.price if price is None else price)
