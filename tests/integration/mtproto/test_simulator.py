"""The simulated Telegram, as a client of each MTProto library sees it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator
from neonpay.simulator.people.attachments import one_pixel
from neonpay.telegram.client import BotApiClient
from tests.integration.mtproto.libraries import INSTALLED, MtprotoBot, bot_of


def test_a_library_is_installed_here_so_that_these_tests_say_something() -> None:
    assert INSTALLED != []


def test_the_simulator_loads_no_mtproto_library_by_itself() -> None:
    code = """
import sys
import neonpay.simulator.mtproto.front
print(sorted({"telethon", "pyrogram", "hydrogram"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def test_a_client_signs_in_as_the_bot_of_its_token(bot: MtprotoBot) -> None:
    me = await bot.client.get_me()
    assert (me.id, me.username) == (bot.account.id, "shop_bot")


async def test_a_token_of_nobody_is_refused_with_telegrams_word(library: str, telegram: Simulator) -> None:
    account = Simulator(seed=8).bot("other_bot")
    bot = bot_of(library, telegram, account)
    with pytest.raises(Exception, match=r"ACCESS_TOKEN_INVALID|bot access token|token is not valid"):
        await bot.start()
    await bot.stop()


async def test_words_reach_the_handlers_and_answers_reach_the_person(bot: MtprotoBot) -> None:
    async def answer(message: Any) -> None:
        await message.reply(f"You said {message.text}")

    bot.answer = answer
    ann = bot.telegram.user("Ann")
    await ann.says("/start now", to=bot.account)
    assert (await ann.hears(bot.account)).text == "You said /start now"
    assert bot.heard.all == ["/start now"]
    assert [(call.method, call.via) for call in bot.telegram.calls()] == [("sendMessage", "mtproto")]


async def test_a_pressed_button_is_answered(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann")
    await ann.says("hi", to=bot.account)
    await bot.telegram.idle(bot.account)
    await bot.ask(
        "messages.SendMessage", peer=bot.peer(ann.id), message="Tea?", random_id=1, reply_markup=_tea_button(bot)
    )
    pressed = ann.presses("Tea", on=await ann.hears(bot.account), wait=False)
    assert (await pressed).kind == "callback"
    update = await bot.hears_raw("UpdateBotCallbackQuery")
    assert (update.user_id, bytes(update.data)) == (ann.id, b"tea")
    await bot.ask("messages.SetBotCallbackAnswer", query_id=update.query_id, cache_time=0, message="One moment")
    (call,) = bot.telegram.calls("answerCallbackQuery")
    assert (call.params["text"], call.via) == ("One moment", "mtproto")


async def test_an_invoice_is_sent_paid_and_refunded_in_tl(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann", stars=7)
    await ann.says("tea", to=bot.account)
    await bot.sends_invoice(ann.id)
    checkout = await ann.begins_to_pay(await ann.hears(bot.account))
    await bot.telegram.idle(bot.account)
    await bot.approves(checkout.query_id)
    outcome = await checkout.outcome()
    paid = (await bot.hears_raw("UpdateNewMessage", count=2)).message.action
    assert (outcome.status, ann.stars) == ("paid", 2)
    assert (paid.payload, paid.currency, paid.total_amount, paid.charge.id) == (b"order-1", "XTR", 5, outcome.charge_id)

    await _refunds(bot, ann.id, outcome.charge_id or "")
    refunded = (await bot.hears_raw("UpdateNewMessage", count=3)).message
    assert (refunded.out, refunded.peer_id.user_id, ann.stars) == (True, ann.id, 7)
    if hasattr(refunded.action, "charge"):
        assert refunded.action.charge.id == outcome.charge_id
    else:
        # The layers of these two are older than the message.
        assert bot.library in {"pyrogram", "hydrogram"}


async def test_a_card_invoice_is_paid_in_its_currency_in_tl(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann", stars=0)
    await ann.says("tea", to=bot.account)
    media = bot.invoice(amount=350)
    media.invoice.currency, media.provider = "USD", "1:TEST:2"
    checkout = await ann.begins_to_pay((await bot.ask("payments.ExportInvoice", invoice_media=media)).url)
    await bot.telegram.idle(bot.account)
    await bot.approves(checkout.query_id)
    outcome = await checkout.outcome()
    paid = (await bot.hears_raw("UpdateNewMessage", count=2)).message.action
    assert (paid.currency, paid.total_amount, paid.charge.id) == ("USD", 350, outcome.charge_id)
    assert paid.charge.provider_charge_id
    assert (outcome.status, bot.telegram.balance(bot.account)) == ("paid", 0)

    media.invoice.shipping_address_requested = True
    with pytest.raises(SimulatorError, match="need_shipping_address"):
        await bot.ask("payments.ExportInvoice", invoice_media=media)


async def test_a_link_to_an_invoice_is_made_in_tl(bot: MtprotoBot) -> None:
    exported = await bot.ask("payments.ExportInvoice", invoice_media=bot.invoice(amount=3))
    form = await bot.telegram.user("Ann", stars=3).opens(exported.url)
    assert (form.title, form.amount_stars) == ("Tea", 3)


async def test_a_checkout_that_is_over_is_refused_with_the_librarys_own_error(bot: MtprotoBot) -> None:
    with pytest.raises(Exception, match=r"QUERY_ID_INVALID|query ID is invalid"):
        await bot.approves("17")


async def test_a_stranger_cannot_be_written_to(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann")
    with pytest.raises(Exception, match=r"PEER_ID_INVALID|invalid Peer"):
        await bot.ask("messages.SendMessage", peer=bot.peer(ann.id), message="hi", random_id=1)


async def test_a_wrong_hash_names_nobody(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann")
    await ann.says("hi", to=bot.account)
    forged = bot.tl("InputPeerUser", user_id=ann.id, access_hash=12345)
    with pytest.raises(Exception, match=r"PEER_ID_INVALID|invalid Peer"):
        await bot.ask("messages.SendMessage", peer=forged, message="hi", random_id=1)


async def test_a_flood_wait_says_how_long(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann")
    await ann.says("hi", to=bot.account)
    bot.telegram.faults.fail("sendMessage", error_code=429, retry_after=3600)
    with pytest.raises(Exception, match="3600"):
        await bot.ask("messages.SendMessage", peer=bot.peer(ann.id), message="hi", random_id=1)


async def test_what_is_not_simulated_is_said_and_not_answered(bot: MtprotoBot) -> None:
    with pytest.raises(SimulatorError, match=r"help\.GetNearestDc is not simulated over MTProto"):
        await bot.ask("help.GetNearestDc")


async def test_what_came_while_the_bot_was_off_is_only_told_to_who_asks(make_bot: Callable[..., MtprotoBot]) -> None:
    first = make_bot()
    await first.start()
    state = await first.ask("updates.GetState")
    await first.stop()
    ann = first.telegram.user("Ann")
    await ann.says("anybody there?", to=first.account)

    second = make_bot()
    await second.start()
    await ann.says("now?", to=second.account)
    await second.hears("now?")
    missed = await second.ask("updates.GetDifference", pts=state.pts, date=state.date, qts=state.qts)
    assert [message.message for message in missed.new_messages] == ["anybody there?", "now?"]
    assert second.heard.all == ["now?"]
    assert [update.state for update in second.telegram.updates(second.account)] == ["dropped", "confirmed"]


async def test_two_sessions_of_one_bot_are_both_told(make_bot: Callable[..., MtprotoBot]) -> None:
    both = [make_bot(), make_bot()]
    for bot in both:
        await bot.start()
    await bot.telegram.user("Ann").says("hi", to=bot.account)
    for bot in both:
        await bot.hears("hi")


async def test_a_session_of_another_telegram_is_refused(library: str, telegram: Simulator, tmp_path: Path) -> None:
    session = {"session": str(tmp_path / "bot")} if library == "telethon" else {"in_memory": False, "workdir": tmp_path}
    async with Simulator(seed=9) as elsewhere:
        bot = bot_of(library, elsewhere, elsewhere.bot("shop_bot"), **session)
        await bot.start()
        await bot.stop()
    with pytest.raises(SimulatorError, match="belongs to another Telegram"):
        await bot_of(library, telegram, telegram.bot("shop_bot"), **session).start()


async def test_a_session_file_keeps_the_bot_signed_in(library: str, telegram: Simulator, tmp_path: Path) -> None:
    session = {"session": str(tmp_path / "bot")} if library == "telethon" else {"in_memory": False, "workdir": tmp_path}
    account = telegram.bot("shop_bot")
    first = bot_of(library, telegram, account, **session)
    await first.start()
    await first.stop()

    without_a_token = replace(account, token=f"{account.id}:revoked")
    second = bot_of(library, telegram, without_a_token, **session)
    await second.start()
    assert (await second.client.get_me()).id == account.id
    await second.stop()


async def test_a_client_that_runs_cannot_be_adopted(bot: MtprotoBot) -> None:
    with pytest.raises(SimulatorError, match="connected already"):
        bot.telegram.adopt(bot.client)


def test_what_is_no_client_cannot_be_adopted() -> None:
    with pytest.raises(SimulatorError, match="dict is no client"):
        Simulator(seed=7).adopt({})


async def _refunds(bot: MtprotoBot, user_id: int, charge_id: str) -> None:
    if bot.library == "pyrogram":
        # Its layer has no such request.
        async with BotApiClient(bot.account.token, base_url=bot.telegram.base_url) as http:
            await http.call("refundStarPayment", {"user_id": user_id, "telegram_payment_charge_id": charge_id})
        return
    user = bot.tl("InputUser", user_id=user_id, access_hash=0)
    await bot.ask("payments.RefundStarsCharge", user_id=user, charge_id=charge_id)


def _tea_button(bot: MtprotoBot) -> Any:
    try:
        what = bot.tl("InlineButtonTypeCallback", data=b"tea")
    except AttributeError:
        row = bot.tl("KeyboardButtonRow", buttons=[bot.tl("KeyboardButtonCallback", text="Tea", data=b"tea")])
    else:
        row = bot.tl("KeyboardInlineButtonRow", buttons=[bot.tl("KeyboardInlineButton", text="Tea", type=what)])
    return bot.tl("ReplyInlineMarkup", rows=[row])


async def test_somebody_is_found_by_username(bot: MtprotoBot) -> None:
    ann = bot.telegram.user("Ann", username="ann_a")
    await ann.says("hi", to=bot.account)
    found = await bot.ask("contacts.ResolveUsername", username="Ann_A")
    assert (found.peer.user_id, [user.first_name for user in found.users]) == (ann.id, ["Ann"])
    with pytest.raises(Exception, match=r"(?i)USERNAME_NOT_OCCUPIED|not in use"):
        await bot.ask("contacts.ResolveUsername", username="nobody_here")


async def test_files_are_refused_here_and_not_brought_to_telegram(bot: MtprotoBot, tmp_path: Path) -> None:
    """The Pyrogram family opens a session of its own for each file."""
    ann = bot.telegram.user("Ann")
    await ann.says("hi", to=bot.account)
    picture = tmp_path / "tea.png"
    picture.write_bytes(one_pixel())
    send = bot.client.send_file if bot.library == "telethon" else bot.client.send_photo
    async with asyncio.timeout(20):
        with pytest.raises(SimulatorError, match=r"upload\.SaveFilePart is not simulated .* leave it out"):
            await send(ann.id, str(picture))
