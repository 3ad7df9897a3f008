"""/paysupport, /terms and /support: from a buyer's question to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from neonpay import PaymentResult, PaymentStage, RefundPolicy, RefundRefused
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neonpay.simulator import Buyer, Simulator
    from tests.integration.conftest import MovableClock, Shop

STAGES = {
    "now": RefundPolicy(window_days=14),
    "later": RefundPolicy(window_days=14, automatic=False),
}


class Desk:
    """A shop that supports its buyers, with an admin who has started the bot."""

    def __init__(self, shop: Shop, olga: Buyer) -> None:
        self.shop = shop
        self.olga = olga

    async def sells(self, stage_id: str, name: str = "Ann", language_code: str = "en") -> tuple[Buyer, str]:
        buyer = await self.shop.visitor(name, stars=80, language_code=language_code)
        outcome = await self.shop.sells(buyer, stage_id)
        return buyer, outcome.charge_id or ""

    async def chooses(self, buyer: Buyer, stage_id: str) -> Message:
        await buyer.says("/paysupport", to=self.shop.account)
        asked = await buyer.hears(self.shop.account, predicate=_has_buttons)
        await buyer.presses(f"{stage_id} ·", on=asked)
        return await buyer.hears(self.shop.account, predicate=_has_buttons)


def _has_buttons(message: Message) -> bool:
    return message.invoice is None and message.reply_markup is not None


def _buttons(message: Message) -> list[tuple[str, str]]:
    assert message.reply_markup is not None
    return [(b.text, b.callback_data or "") for row in message.reply_markup.inline_keyboard for b in row]


@pytest.fixture
async def desk(open_shop: Callable[..., Shop]) -> AsyncIterator[Desk]:
    shop = open_shop()
    olga = await shop.visitor("Olga")
    for stage_id, policy in STAGES.items():
        stage = PaymentStage(title=stage_id, description="A picture", price=50, refund_policy=policy)
        shop.neonpay.create_payment_stage(stage_id, stage)
    shop.neonpay.enable_support(admins=[olga.id], terms={"en": "Be kind.", "ru": "Dobro."}, contact="@help")

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        yield Desk(shop, olga)


async def test_support_without_admins_says_at_the_start_what_to_type(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    for admins in ([], [7]):
        shop = open_shop()
        shop.neonpay.enable_support(admins=admins)
        await shop.neonpay.setup()
        told = [record for record in caplog.records if record.name == "neonpay.support"]
        assert [record.levelname for record in told] == ["WARNING"]
        assert "set NEONPAY_ADMINS=123456789" in told[0].getMessage()


async def test_a_buyer_gets_their_stars_back_with_three_touches(desk: Desk) -> None:
    ann, charge_id = await desk.sells("now")
    confirm = await desk.chooses(ann, "now")
    await ann.presses("Ask for a refund", on=confirm)
    answer = await ann.hears(desk.shop.account)
    await desk.shop.fact("payment_refunded")

    assert "now, 50 Stars" in (confirm.text or "")
    assert answer.text == "Your request about now is granted: 50 Stars go back to you."
    assert ann.stars == 80
    (request,) = await desk.shop.neonpay.refunds.requests()
    assert (request.charge_id, request.state, request.decided_by) == (charge_id, "approved", "policy")


async def test_no_button_carries_a_charge_id_or_more_than_telegram_takes(desk: Desk) -> None:
    ann, charge_id = await desk.sells("later")
    await ann.says("/paysupport", to=desk.shop.account)
    asked = await ann.hears(desk.shop.account, predicate=_has_buttons)
    await ann.presses("later", on=asked)
    confirm = await ann.hears(desk.shop.account, predicate=_has_buttons)
    await ann.presses("Ask", on=confirm)
    to_decide = await desk.olga.hears(desk.shop.account, predicate=_has_buttons)

    for message in (asked, confirm, to_decide):
        for _, data in _buttons(message):
            assert len(data.encode()) <= 64
            assert charge_id[:20] not in data


async def test_an_admin_approves_with_the_buyers_words_before_them(desk: Desk) -> None:
    ann, charge_id = await desk.sells("later")
    await desk.chooses(ann, "later")
    await ann.says("/paysupport the file does not open", to=desk.shop.account)
    waits = await ann.hears(desk.shop.account)
    to_decide = await desk.olga.hears(desk.shop.account, predicate=_has_buttons)
    pressed = await desk.olga.presses("Approve", on=to_decide)
    granted = await ann.hears(desk.shop.account)
    await desk.shop.fact("payment_refunded")

    assert "has been received" in (waits.text or "")
    assert "Reason: the file does not open" in (to_decide.text or "")
    assert f"Charge: {charge_id}" in (to_decide.text or "")
    assert pressed.text == f"Approved by admin {desk.olga.id}"
    assert "is granted" in (granted.text or "")
    assert ann.stars == 80
    decided = desk.olga.messages(desk.shop.account)[-1]
    assert (decided.text or "").endswith(pressed.text)
    assert decided.reply_markup is None


async def test_an_admin_refuses_and_the_buyer_is_told_whom_to_ask(desk: Desk) -> None:
    ann, _ = await desk.sells("later")
    await ann.presses("Ask", on=await desk.chooses(ann, "later"))
    await ann.hears(desk.shop.account, containing="received")
    to_decide = await desk.olga.hears(desk.shop.account, predicate=_has_buttons)
    await desk.olga.presses("Refuse", on=to_decide)
    refused = await ann.hears(desk.shop.account)

    assert refused.text == "Your request about later (50 Stars) has been refused.\n\nQuestions? @help"
    assert ann.stars == 30


async def test_nobody_but_an_admin_may_decide(desk: Desk) -> None:
    ann, _ = await desk.sells("later")
    await ann.presses("Ask", on=await desk.chooses(ann, "later"))
    to_decide = await desk.olga.hears(desk.shop.account, predicate=_has_buttons)
    stranger = await desk.shop.visitor("Eve")
    copy = await stranger.receives(to_decide, from_=desk.olga)
    (request,) = await desk.shop.neonpay.refunds.requests()
    pressed = await _press_data(desk, stranger, copy, f"neonpay:yes:{request.request_id}")

    assert pressed == "This button is not for you."
    assert (await desk.shop.neonpay.refunds.requests("open")) == [request]


async def test_nobody_can_ask_about_the_payment_of_another(desk: Desk) -> None:
    ann, _ = await desk.sells("now")
    confirm = await desk.chooses(ann, "now")
    (_, data), *_ = _buttons(confirm)
    eve = await desk.shop.visitor("Eve")
    copy = await eve.receives(confirm, from_=ann)

    assert await _press_data(desk, eve, copy, data) == "This is not a payment of yours."
    assert await desk.shop.neonpay.refunds.requests() == []
    assert ann.stars == 30


async def _press_data(desk: Desk, by: Buyer, on: Message, data: str) -> str:
    """What the bot shows somebody who sends it the data of a button, as a modified client could."""
    update = {
        "update_id": 1,
        "callback_query": {
            "id": "77",
            "from": {"id": by.id, "is_bot": False, "first_name": by.name},
            "chat_instance": "1",
            "data": data,
            "message": {
                "message_id": on.message_id,
                "date": 1,
                "chat": {"id": by.id, "type": "private", "first_name": by.name},
            },
        },
    }
    await desk.shop.dispatcher.feed_raw_update(desk.shop.bot, update)
    return str(desk.shop.telegram.calls("answerCallbackQuery")[-1].params.get("text", ""))


async def test_a_refusal_by_a_hook_reaches_the_buyer_in_its_words(desk: Desk) -> None:
    @desk.shop.neonpay.refunds.on_request
    async def usage(result: PaymentResult) -> None:
        raise RefundRefused("You have watched all of it.")

    ann, _ = await desk.sells("now")
    await ann.presses("Ask", on=await desk.chooses(ann, "now"))
    refused = await ann.hears(desk.shop.account)
    assert "You have watched all of it." in (refused.text or "")


async def test_a_request_that_was_decided_is_shown_and_not_taken_again(desk: Desk) -> None:
    ann, _ = await desk.sells("later")
    confirm = await desk.chooses(ann, "later")
    await ann.presses("Ask", on=confirm)
    await ann.hears(desk.shop.account, containing="received")
    pressed = await ann.presses("Ask", on=confirm)
    await ann.says("/paysupport", to=desk.shop.account)
    await ann.presses("later", on=await ann.hears(desk.shop.account, predicate=_has_buttons))
    status = await ann.hears(desk.shop.account)

    assert "has been received" in pressed.text
    assert "has been received" in (status.text or "")
    assert len(await desk.shop.neonpay.refunds.requests()) == 1


async def test_somebody_who_has_paid_nothing_is_told_whom_to_ask(desk: Desk) -> None:
    bob = await desk.shop.visitor("Bob")
    await bob.says("/paysupport@shop_bot", to=desk.shop.account)
    answer = await bob.hears(desk.shop.account)
    assert answer.text == "You have no payments here that could be given back.\n\nQuestions? @help"


async def test_words_before_a_payment_is_chosen_are_in_the_request(desk: Desk) -> None:
    ann, _ = await desk.sells("later")
    await ann.says("/paysupport it is torn", to=desk.shop.account)
    await ann.says("/paysupport it is broken", to=desk.shop.account)
    for _ in range(2):
        asked = await ann.hears(desk.shop.account, predicate=_has_buttons)
    assert (asked.text or "").startswith("Your words are kept. Which payment are they about?")
    await ann.presses("later ·", on=asked)
    confirm = await ann.hears(desk.shop.account, predicate=_has_buttons)
    await ann.presses("Ask", on=confirm)
    shown = await desk.olga.hears(desk.shop.account, predicate=_has_buttons)

    assert "Your words: it is broken" in (confirm.text or "")
    assert "Reason: it is broken" in (shown.text or "")
    (request,) = await desk.shop.neonpay.refunds.requests()
    assert request.words == "it is broken"


async def test_words_are_for_one_request_and_other_words_are_sent_instead(desk: Desk) -> None:
    ann, _ = await desk.sells("later")
    await ann.says("/paysupport it is broken", to=desk.shop.account)
    asked = await ann.hears(desk.shop.account, predicate=_has_buttons)
    await ann.presses("later ·", on=asked)
    await ann.hears(desk.shop.account, predicate=_has_buttons)
    await ann.says("/paysupport it is torn", to=desk.shop.account)
    await desk.olga.hears(desk.shop.account, predicate=_has_buttons)
    (request,) = await desk.shop.neonpay.refunds.requests()
    assert request.words == "it is torn"


async def test_words_that_nobody_sent_within_a_day_are_forgotten(desk: Desk, clock: MovableClock) -> None:
    ann, _ = await desk.sells("later")
    await ann.says("/paysupport it is broken", to=desk.shop.account)
    asked = await ann.hears(desk.shop.account, predicate=_has_buttons)
    clock.advance(25 * 3600)
    await ann.presses("later ·", on=asked)
    confirm = await ann.hears(desk.shop.account, predicate=_has_buttons)
    assert "it is broken" not in (confirm.text or "")


async def test_terms_and_support_answer_in_the_readers_language(desk: Desk) -> None:
    ivan = await desk.shop.visitor("Ivan", language_code="ru")
    await ivan.says("/terms", to=desk.shop.account)
    terms = await ivan.hears(desk.shop.account)
    await ivan.says("/support", to=desk.shop.account)
    contact = await ivan.hears(desk.shop.account)
    assert (terms.text, contact.text) == ("Dobro.", "@help")


async def test_a_russian_buyer_is_answered_in_russian_by_the_job_too(desk: Desk) -> None:
    ivan, _ = await desk.sells("now", "Ivan", "ru")
    await ivan.presses("Попросить о возврате", on=await desk.chooses(ivan, "now"))  # noqa: RUF001
    answer = await ivan.hears(desk.shop.account)
    assert (answer.text or "").startswith("Ваш запрос одобрен")


async def test_an_admin_who_never_started_the_bot_does_not_stop_the_others(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    olga = await shop.visitor("Olga")
    absent = shop.telegram.user("Igor")
    shop.neonpay.enable_support(admins=[absent.id, olga.id])
    shop.neonpay.on_payment(name="deliver")(_deliver)
    async with shop.polling():
        desk = Desk(shop, olga)
        ann, _ = await desk.sells("vip")
        await ann.presses("Ask", on=await desk.chooses(ann, "VIP"))
        assert await olga.hears(shop.account, predicate=_has_buttons)


@pytest.mark.parametrize("names_others", [False, True])
async def test_the_owners_of_the_shop_decide_unless_support_names_others(
    open_shop: Callable[..., Shop], telegram: Simulator, *, names_others: bool
) -> None:
    olga, igor = telegram.user("Olga"), telegram.user("Igor")
    shop = open_shop(admins=[olga.id])
    for person in (olga, igor):
        await person.says("/start", to=shop.account)
    shop.neonpay.enable_support(admins=[igor.id] if names_others else None)
    shop.neonpay.on_payment(name="deliver")(_deliver)
    decides = igor if names_others else olga
    async with shop.polling():
        desk = Desk(shop, decides)
        ann, _ = await desk.sells("vip")
        await ann.presses("Ask", on=await desk.chooses(ann, "VIP"))
        assert await decides.hears(shop.account, predicate=_has_buttons)


async def _deliver(result: PaymentResult) -> None: ...


async def test_the_answer_survives_a_telegram_that_is_away(desk: Desk, clock: MovableClock) -> None:
    ann, _ = await desk.sells("later")
    confirm = await desk.chooses(ann, "later")
    desk.shop.telegram.faults.fail("sendMessage", error_code=500, times=2)
    await ann.presses("Ask", on=confirm)
    await desk.shop.fact("fulfilment_failed", count=2)
    await desk.shop.neonpay.program.drain()
    clock.advance(10)

    assert "received" in ((await ann.hears(desk.shop.account)).text or "")
    assert await desk.olga.hears(desk.shop.account, predicate=_has_buttons)


async def test_words_and_buttons_of_the_host_stay_with_the_host(desk: Desk) -> None:
    got: list[str] = []
    dispatcher = desk.shop.dispatcher

    @dispatcher.message(Command("help"))
    async def help_(message: Message) -> None:
        got.append(message.text or "")

    @dispatcher.callback_query()
    async def pressed(query: CallbackQuery) -> None:
        got.append(query.data or "")

    bob = await desk.shop.visitor("Bob")
    await bob.says("/help", to=desk.shop.account)
    await bob.says("/paysupporters", to=desk.shop.account)
    await desk.shop.settles()
    update: dict[str, Any] = {
        "update_id": 2,
        "callback_query": {
            "id": "78",
            "from": {"id": bob.id, "is_bot": False, "first_name": "Bob"},
            "chat_instance": "1",
            "data": "neonpay-theme:dark",
        },
    }
    await dispatcher.feed_raw_update(desk.shop.bot, update)
    assert got == ["/help", "neonpay-theme:dark"]


async def test_without_enable_support_its_commands_are_the_hosts(shop: Shop) -> None:
    got: list[str] = []

    @shop.dispatcher.message()
    async def everything(message: Message) -> None:
        got.append(message.text or "")

    async with shop.polling():
        bob = await shop.visitor("Bob")
        await bob.says("/paysupport", to=shop.account)
        await shop.settles()

    assert got[-1] == "/paysupport"
    assert "callback_query" not in shop.telegram.calls("getUpdates")[-1].params.get("allowed_updates", [])


async def test_terms_and_support_stay_with_the_host_without_texts(open_shop: Callable[..., Shop]) -> None:
    shop, got = open_shop(), []
    shop.neonpay.enable_support()

    @shop.dispatcher.message()
    async def everything(message: Message) -> None:
        got.append(message.text or "")

    async with shop.polling():
        bob = await shop.visitor("Bob")
        for words in ("/terms", "/support"):
            await bob.says(words, to=shop.account)
        await shop.settles()

    assert got[-2:] == ["/terms", "/support"]


async def test_support_is_enabled_once_and_by_ids(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    with pytest.raises(ConfigurationError, match="user ids"):
        shop.neonpay.enable_support(admins=["@olga"])  # type: ignore[list-item]  # what somebody may write
    shop.neonpay.enable_support(admins=[7])
    with pytest.raises(ConfigurationError, match="once"):
        shop.neonpay.enable_support(admins=[8])
