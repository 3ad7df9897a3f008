"""Outgoing calls: messages at Telegram's pace, a checkout's answer at once, and again only what is safe twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.telegram.pacing import CHAT_BURST, GROUP_BURST, Pacer, is_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Run = Callable[[Any], Any]

ANN, BOB, GROUP = 11, 12, -100


class Telegram:
    """Notes when it is called; answers with what a test has prepared."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.times: list[float] = []
        self._outcomes = list(outcomes)

    async def take(self) -> str:
        self.times.append(asyncio.get_running_loop().time())
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome is not None:
            raise outcome
        return "done"


def too_many(retry_after_s: int | None) -> TelegramError:
    return TelegramError("x", error_code=429, description="Too Many Requests", retry_after_s=retry_after_s)


async def calls(
    pacer: Pacer, telegram: Telegram, count: int, chat: int | None = ANN, method: str = "sendMessage"
) -> None:
    await asyncio.gather(*(pacer.call(method, chat, telegram.take) for _ in range(count)))


@pytest.mark.parametrize(("chat", "burst", "interval_s"), [(ANN, CHAT_BURST, 1), (GROUP, GROUP_BURST, 3)])
def test_a_chat_gets_a_burst_and_then_one_message_at_a_time(
    in_virtual_time: Run, chat: int, burst: int, interval_s: float
) -> None:
    telegram = Telegram()
    in_virtual_time(calls(Pacer(), telegram, burst + 3, chat))
    late = [(number + 1) * interval_s for number in range(3)]
    assert telegram.times == pytest.approx([0.0] * burst + late)


def test_all_chats_together_get_thirty_messages_a_second(in_virtual_time: Run) -> None:
    telegram, pacer = Telegram(), Pacer()

    async def broadcast() -> None:
        await asyncio.gather(*(pacer.call("sendMessage", chat, telegram.take) for chat in range(1, 91)))

    in_virtual_time(broadcast())
    assert telegram.times[:30] == [0.0] * 30
    assert telegram.times[30:] == pytest.approx([(number + 1) / 30 for number in range(60)])


def test_a_chat_that_waits_keeps_no_other_chat_waiting(in_virtual_time: Run) -> None:
    pacer, to_ann, to_bob = Pacer(), Telegram(), Telegram()

    async def both() -> None:
        await asyncio.gather(calls(pacer, to_ann, CHAT_BURST + 5), calls(pacer, to_bob, 1, BOB))

    in_virtual_time(both())
    assert to_ann.times[-1] == pytest.approx(5)
    assert to_bob.times == [0.0]


def test_messages_to_one_chat_arrive_in_the_order_in_which_they_were_sent(in_virtual_time: Run) -> None:
    pacer, order = Pacer(), []

    async def say(number: int) -> None:
        async def take() -> None:
            order.append(number)

        await pacer.call("sendMessage", ANN, take)

    async def talk() -> None:
        await asyncio.gather(*(say(number) for number in range(12)))

    in_virtual_time(talk())
    assert order == list(range(12))


@pytest.mark.parametrize("method", ["answerPreCheckoutQuery", "createInvoiceLink", "getStarTransactions"])
def test_what_is_no_message_waits_behind_nothing(in_virtual_time: Run, method: str) -> None:
    pacer, telegram = Pacer(messages_per_s=1), Telegram()

    async def busy() -> None:
        talk = asyncio.ensure_future(calls(pacer, Telegram(), 50))
        await asyncio.sleep(0)
        await calls(pacer, telegram, 20, None, method)
        talk.cancel()
        await asyncio.gather(talk, return_exceptions=True)

    in_virtual_time(busy())
    assert telegram.times == [0.0] * 20


def test_without_a_pace_only_telegrams_refusals_are_waited_for(in_virtual_time: Run) -> None:
    telegram, refusing = Telegram(), Telegram(too_many(7))
    in_virtual_time(calls(Pacer(messages_per_s=None), telegram, 100))
    in_virtual_time(calls(Pacer(messages_per_s=None), refusing, 100))
    assert telegram.times == [0.0] * 100
    assert refusing.times == [0.0] + [7.0] * 100


def test_a_message_that_telegram_puts_off_is_sent_when_it_says(in_virtual_time: Run) -> None:
    telegram, pacer = Telegram(too_many(3), too_many(2)), Pacer()

    async def say() -> str:
        return await pacer.call("sendInvoice", ANN, telegram.take)

    assert in_virtual_time(say()) == "done"
    assert telegram.times == [0.0, 3.0, 5.0]


def test_a_chat_that_telegram_puts_off_waits_and_no_other_does(in_virtual_time: Run) -> None:
    pacer, to_ann, to_bob = Pacer(), Telegram(too_many(9)), Telegram()

    async def both() -> None:
        first = asyncio.ensure_future(calls(pacer, to_ann, 1))
        await asyncio.sleep(0)
        await asyncio.gather(calls(pacer, to_ann, 1), calls(pacer, to_bob, 1, BOB), first)

    in_virtual_time(both())
    assert to_ann.times == [0.0, 9.0, 9.0]
    assert to_bob.times == [0.0]


def test_two_chats_put_off_at_a_time_mean_the_whole_bot(in_virtual_time: Run) -> None:
    pacer, others = Pacer(), Telegram()

    async def flood() -> None:
        refused = [asyncio.ensure_future(calls(pacer, Telegram(too_many(9)), 1, chat)) for chat in (ANN, BOB)]
        for _ in range(3):
            await asyncio.sleep(0)
        await asyncio.gather(calls(pacer, others, 1, 13), *refused)

    in_virtual_time(flood())
    assert others.times == [9.0]


@pytest.mark.parametrize(
    ("method", "chat", "error"),
    [
        ("refundStarPayment", None, too_many(1)),
        ("sendGift", None, too_many(1)),
        ("refundStarPayment", None, TelegramUnreachableError("x")),
        ("sendGift", None, TelegramUnreachableError("x")),
        ("sendMessage", ANN, TelegramUnreachableError("x")),
        ("sendInvoice", ANN, TelegramUnreachableError("x")),
        ("sendMessage", ANN, too_many(61)),
        ("sendMessage", ANN, too_many(None)),
        ("answerPreCheckoutQuery", None, too_many(2)),
        ("sendMessage", ANN, TelegramError("x", error_code=500, description="Internal Server Error")),
        ("sendMessage", ANN, TelegramError("x", error_code=400, description="Bad Request: chat not found")),
    ],
)
def test_what_is_not_safe_or_not_worth_it_is_called_once(
    in_virtual_time: Run, method: str, chat: int | None, error: Exception
) -> None:
    telegram, pacer = Telegram(error), Pacer()

    async def once() -> None:
        with pytest.raises(type(error)) as raised:
            await pacer.call(method, chat, telegram.take)
        assert raised.value is error

    in_virtual_time(once())
    assert telegram.times == [0.0]


@pytest.mark.parametrize(
    "method", ["getStarTransactions", "getMyStarBalance", "createInvoiceLink", "answerPreCheckoutQuery"]
)
@pytest.mark.parametrize(
    "error", [TelegramUnreachableError("x"), TelegramError("x", error_code=502, description="Bad Gateway")]
)
def test_a_lost_answer_is_asked_for_again_where_that_does_no_harm(
    in_virtual_time: Run, method: str, error: Exception
) -> None:
    telegram = Telegram(error)
    in_virtual_time(calls(Pacer(), telegram, 1, None, method))
    assert telegram.times == [0.0, 0.0]


def test_a_checkout_that_telegram_calls_answered_after_a_lost_answer_may_have_been_approved(
    in_virtual_time: Run,
) -> None:
    too_old = TelegramError("x", error_code=400, description="Bad Request: query is too old")
    telegram, pacer = Telegram(TelegramUnreachableError("answerPreCheckoutQuery"), too_old), Pacer()

    async def answer() -> None:
        with pytest.raises(TelegramUnreachableError):
            await pacer.call("answerPreCheckoutQuery", None, telegram.take)

    in_virtual_time(answer())
    assert len(telegram.times) == 2


def test_an_answer_that_was_decided_on_sooner_may_wait_longer_for_telegram(in_virtual_time: Run) -> None:
    telegram, pacer = Telegram(too_many(2)), Pacer(checkout_budget_s=4)
    in_virtual_time(calls(pacer, telegram, 1, None, "answerPreCheckoutQuery"))
    assert telegram.times == [0.0, 2.0]


def test_a_checkout_is_answered_again_for_as_long_as_the_buyer_waits(in_virtual_time: Run) -> None:
    gone = [TelegramUnreachableError("answerPreCheckoutQuery") for _ in range(9)]
    telegram, pacer = Telegram(*gone), Pacer()

    async def answer() -> None:
        with pytest.raises(TelegramUnreachableError):
            await pacer.call("answerPreCheckoutQuery", None, telegram.take)

    in_virtual_time(answer())
    assert telegram.times[-1] < 2
    assert len(telegram.times) > 1


def test_a_caller_that_gives_up_leaves_its_turn_to_the_next(in_virtual_time: Run) -> None:
    pacer, telegram, late = Pacer(), Telegram(), Telegram()

    async def impatient() -> None:
        await calls(pacer, telegram, CHAT_BURST)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await calls(pacer, telegram, 1)
        await calls(pacer, late, 1)

    in_virtual_time(impatient())
    assert len(telegram.times) == CHAT_BURST
    assert late.times == pytest.approx([1.0])


def test_chats_that_are_quiet_are_forgotten(in_virtual_time: Run) -> None:
    pacer, telegram = Pacer(messages_per_s=1_000_000), Telegram()

    async def years() -> int:
        for chat in range(1, 20_001):
            await pacer.call("sendMessage", chat, telegram.take)
            await asyncio.sleep(1)
        return pacer.chats

    assert in_virtual_time(years()) < 10_000


talks = st.lists(st.tuples(st.floats(0, 3), st.sampled_from([ANN, BOB, GROUP])), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(talks=talks, messages_per_s=st.integers(2, 40))
def test_no_chat_and_no_bot_is_ever_over_its_limit(
    in_virtual_time: Run, talks: list[tuple[float, int]], messages_per_s: int
) -> None:
    pacer, sent = Pacer(messages_per_s=messages_per_s), defaultdict(list)

    async def say(after_s: float, chat: int) -> None:
        async def take() -> None:
            sent[chat].append(asyncio.get_running_loop().time())

        await asyncio.sleep(after_s)
        await pacer.call("sendMessage", chat, take)

    async def talk() -> None:
        await asyncio.gather(*(say(after_s, chat) for after_s, chat in talks))

    in_virtual_time(talk())
    everything = sorted(time for times in sent.values() for time in times)
    assert len(everything) == len(talks)
    lanes = [(everything, messages_per_s, messages_per_s)]
    lanes += [(sent[ANN], CHAT_BURST, 1), (sent[BOB], CHAT_BURST, 1), (sent[GROUP], GROUP_BURST, 20 / 60)]
    for times, burst, per_s in lanes:
        for first, begin in enumerate(times):
            for count, end in enumerate(times[first:], start=1):
                assert count <= burst + (end - begin) * per_s + 1e-6


@pytest.mark.parametrize(
    ("method", "is_one"),
    [
        ("sendMessage", True),
        ("sendInvoice", True),
        ("copyMessage", True),
        ("forwardMessages", True),
        ("sendGift", False),
        ("sendChatAction", False),
        ("editMessageText", False),
        ("getMe", False),
    ],
)
def test_what_puts_something_into_a_chat_is_a_message(method: str, is_one: bool) -> None:
    assert is_message(method) is is_one
