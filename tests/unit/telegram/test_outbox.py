"""Places in a chat's queue: given or refused at once, used in order, and never more than a few."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from neonpay.errors import TelegramError
from neonpay.telegram.outbox import QUEUED, QUEUED_FOR_ONE, QUEUED_IN_CHAT, Outbox
from neonpay.telegram.paced import PacedAdapter
from neonpay.telegram.pacing import CHAT_BURST, GROUP_BURST, Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from neonpay.core.jsontext import JsonValue
    from neonpay.core.ports import Adapter

    Run = Callable[[Any], Any]

ANN, BOB, GROUP = 11, 12, -100


class Telegram:
    """An adapter that notes when messages arrive."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.arrived: list[tuple[float, int]] = []
        self._outcomes = list(outcomes)

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome is not None:
            raise outcome
        chat = params["chat_id"]
        assert isinstance(chat, int)
        self.arrived.append((asyncio.get_running_loop().time(), chat))
        return "done"


def outbox(telegram: Telegram, messages_per_s: float | None = 30) -> Outbox:
    return Outbox(PacedAdapter(cast("Adapter", telegram), Pacer(messages_per_s=messages_per_s)))


async def tap(out: Outbox, chat: int, asker: int) -> str:
    """What becomes of one message, without waiting for its turn."""
    began = asyncio.get_running_loop().time()
    with out.place(chat, asker) as place:
        if place.refused_for_s is not None:
            return "refused"

        async def work() -> str:
            return str(await place.call("sendInvoice", {"chat_id": chat}))

        sending = place.use(work)
    outcome = await sending.outcome()
    assert asyncio.get_running_loop().time() == began, "nobody waits"
    return "queued" if outcome is None else outcome


@pytest.mark.parametrize(("chat", "burst", "interval_s"), [(ANN, CHAT_BURST, 1), (GROUP, GROUP_BURST, 3)])
def test_twenty_taps_get_a_burst_at_once_two_in_their_turns_and_refusals(
    in_virtual_time: Run, chat: int, burst: int, interval_s: float
) -> None:
    telegram = Telegram()
    out = outbox(telegram)

    async def flood() -> list[str]:
        answers = [await tap(out, chat, ANN) for _ in range(20)]
        await out.close(grace_s=60)
        return answers

    answers = in_virtual_time(flood())
    assert answers == ["done"] * burst + ["queued"] * 2 + ["refused"] * (20 - burst - 2)
    assert [at for at, _ in telegram.arrived] == pytest.approx([0.0] * burst + [interval_s, 2 * interval_s])
    assert out.queued == 0


def test_taps_that_come_at_a_time_get_the_same(in_virtual_time: Run) -> None:
    telegram = Telegram()
    out = outbox(telegram)

    async def flood() -> list[str]:
        answers = await asyncio.gather(*(tap(out, ANN, ANN) for _ in range(20)))
        await out.close(grace_s=60)
        return answers

    answers = in_virtual_time(flood())
    assert answers.count("done") == CHAT_BURST
    assert answers.count("refused") >= 20 - CHAT_BURST - QUEUED_FOR_ONE
    assert len(telegram.arrived) == 20 - answers.count("refused")


def test_a_group_has_room_for_others_when_one_member_has_used_theirs(in_virtual_time: Run) -> None:
    out = outbox(Telegram())

    async def flood() -> list[str]:
        for _ in range(20):
            await tap(out, GROUP, ANN)
        answers = [await tap(out, GROUP, asker) for asker in range(100, 120)]
        await out.close(grace_s=0)
        return answers

    answers = in_virtual_time(flood())
    room = QUEUED_IN_CHAT - QUEUED_FOR_ONE
    assert answers == ["queued"] * room + ["refused"] * (20 - room)


def test_there_is_an_end_to_what_waits_for_the_whole_bot(in_virtual_time: Run) -> None:
    out = outbox(Telegram())

    async def flood() -> list[str]:
        answers = [await tap(out, chat, chat) for chat in range(1, QUEUED + 101)]
        await out.close(grace_s=0)
        return answers

    answers = in_virtual_time(flood())
    assert answers == ["done"] * 30 + ["queued"] * QUEUED + ["refused"] * 70


def test_a_place_that_was_not_used_is_free_again(in_virtual_time: Run) -> None:
    out = outbox(Telegram())

    async def refused_by_a_limit() -> str:
        for _ in range(50):
            with out.place(ANN, ANN):
                pass
        return await tap(out, ANN, ANN)

    assert in_virtual_time(refused_by_a_limit()) == "done"
    assert out.queued == 0


def test_a_chat_that_is_put_off_for_longer_than_a_minute_takes_nothing_more(in_virtual_time: Run) -> None:
    too_many = TelegramError("sendInvoice", error_code=429, description="Too Many Requests", retry_after_s=61)
    out = outbox(Telegram(too_many), None)

    async def flood() -> tuple[str, float | None]:
        with pytest.raises(TelegramError):
            await tap(out, ANN, ANN)
        with out.place(ANN, ANN) as place:
            refused_for_s = place.refused_for_s
        return await tap(out, BOB, BOB), refused_for_s

    assert in_virtual_time(flood()) == ("done", pytest.approx(61))


def test_what_is_no_message_waits_for_no_turn(in_virtual_time: Run) -> None:
    telegram = Telegram()
    out = outbox(telegram)

    async def busy() -> None:
        for _ in range(20):
            await tap(out, ANN, ANN)
        await out.post("editMessageText", {"chat_id": ANN}, chat_id=ANN, asker_id=ANN)
        await out.close(grace_s=0)

    in_virtual_time(busy())
    assert telegram.arrived == [(0.0, ANN)] * (CHAT_BURST + 1)
