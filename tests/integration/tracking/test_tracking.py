"""``neonpay.use(Tracking())``: what people do is counted from the updates of the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Message

from neonpay.core.clock import SystemClock, moment
from neonpay.core.payload import PREFIX
from neonpay.core.seen import SeenKind, SeenUpdate, command_in
from neonpay.errors import ConfigurationError, ValidationError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables_tracking import first_touches, soft_events
from neonpay.tracking import SoftEvent, SoftKind, Tracking, write_soft
from neonpay.tracking.buffer import BATCH, SoftBuffer
from neonpay.tracking.retention import clean

if TYPE_CHECKING:
    from tests.integration.conftest import MovableClock, Shop

_TOLD = sa.select(soft_events.c.kind, soft_events.c.user_id, soft_events.c.source).order_by(
    soft_events.c.at, soft_events.c.event_id
)
_TOUCHES = sa.select(first_touches.c.user_id, first_touches.c.source).order_by(first_touches.c.at)


async def test_one_line_counts_who_starts_and_writes_and_where_they_came_from(
    shop: Shop, query: Callable[..., Any]
) -> None:
    shop.neonpay.use(Tracking())
    heard: list[str | None] = []

    @shop.dispatcher.message()
    async def hear(message: Message) -> None:
        heard.append(message.text)

    async with shop.polling():
        ann, bob = shop.telegram.user("Ann"), shop.telegram.user("Bob")
        for person, text in ((ann, "/start ad_7"), (ann, "hello"), (bob, "/start"), (ann, "/start ad_8")):
            await person.says(text, to=shop.account)
            await shop.telegram.idle(shop.account)
            assert shop.clock is not None
            shop.clock.advance(1)
    assert heard == ["/start ad_7", "hello", "/start", "/start ad_8"]
    assert [tuple(row) for row in await query(_TOLD)] == [
        ("bot_started", None, None),
        ("user_started", ann.id, "ad_7"),
        ("user_message", ann.id, None),
        ("user_started", bob.id, None),
        ("user_started", ann.id, "ad_8"),
    ]
    assert [tuple(row) for row in await query(_TOUCHES)] == [(ann.id, "ad_7"), (bob.id, None)]


async def test_an_update_that_telegram_delivers_again_is_counted_once(shop: Shop, query: Callable[..., Any]) -> None:
    tracking = shop.neonpay.use(Tracking())
    async with shop.neonpay:
        for _ in range(3):
            tracking.seen(seen(update_id=17))
        tracking.seen(seen(update_id=None))
        tracking.seen(seen(update_id=None))
        tracking.seen(seen(update_id=17, sent_s=1_790_000_000))  # of a Telegram that has begun to count anew
    assert [row[0] for row in await query(_TOLD)].count("user_message") == 4


async def test_a_start_counts_in_a_private_chat_and_a_payload_of_ours_is_no_source(
    shop: Shop, query: Callable[..., Any]
) -> None:
    tracking = shop.neonpay.use(Tracking())
    async with shop.neonpay:
        tracking.seen(seen(chat_id=-100, command="start", parameter="x"))
        tracking.seen(seen(command="start", parameter=PREFIX + "x" * 60))
        tracking.seen(seen(kind=SeenKind.INLINE_QUERY, chat_id=None))
    told = [tuple(row) for row in await query(_TOLD)]
    assert sorted(told[1:]) == [("user_message", 1, None), ("user_started", 1, None)]


def test_telling_of_an_update_does_no_input_or_output(clock: MovableClock) -> None:
    woken: list[str] = []
    buffer = SoftBuffer(clock=clock)
    buffer.connect(lambda: woken.append("wake"), lambda: woken.append("hurry"))
    tracking = Tracking()
    tracking.count_into(buffer)
    for number in range(5 * BATCH):
        tracking.seen(seen(update_id=number))
    assert len(buffer) == 5 * BATCH
    assert woken == ["wake", "hurry"], "the writer's loop is woken once for a batch, and not for an update"


async def test_events_go_when_the_time_of_their_kind_is_over(database_url: str, query: Callable[..., Any]) -> None:
    now = moment(SystemClock().now_us())
    ledger = open_ledger(database_url)

    def event(name: str, kind: str, days: int) -> SoftEvent:
        return SoftEvent(event_id=name, bot_id=7, kind=kind, at=now - timedelta(days=days), user_id=1)

    try:
        told = [event(f"m{number}", SoftKind.USER_MESSAGE, 31) for number in range(1100)]
        told += [event("young", SoftKind.USER_MESSAGE, 29), event("s", SoftKind.USER_STARTED, 40)]
        told += [event("old", SoftKind.USER_STARTED, 500)]
        await ledger.run(write_soft, told)
        assert await clean(ledger, 7, 400, {SoftKind.USER_MESSAGE: 30}) == 1101
        assert await clean(ledger, 7, 400, {SoftKind.USER_MESSAGE: 30}) == 0
    finally:
        await ledger.close()
    assert [row[0] for row in await query(sa.select(soft_events.c.event_id).order_by("event_id"))] == ["s", "young"]
    assert [tuple(row) for row in await query(_TOUCHES)] == [(1, None)]


async def test_a_periodic_task_of_the_shop_removes_what_is_old(shop: Shop, query: Callable[..., Any]) -> None:
    tracking = shop.neonpay.use(Tracking(keep_days=1))
    long_ago = SoftEvent(event_id="old", bot_id=shop.account.id, kind="x", at=datetime(2020, 1, 1, tzinfo=UTC))
    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(write_soft, [long_ago])
        (task,) = tracking.periodic()
        async with shop.neonpay.program.pipeline.periodic_store.turn(
            "tracking:clean", patience_s=30, next_in_s=60
        ) as turn:
            await task.work(turn)
    assert "x" not in [row[0] for row in await query(_TOLD)]


def test_kinds_without_days_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="keep_days_of"):
        Tracking(keep_days_of=["user_message"])  # type: ignore[arg-type]  # the mistake


def test_a_number_of_days_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="keep_days"):
        Tracking(keep_days=0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ("hello /start", (None, None)),
        ("/start", ("start", None)),
        ("/start@our_bot  ad_7 ", ("start", "ad_7")),
        ("/start\nad", ("start", "ad")),
        ("/menu secret words", ("menu", None)),
        ("/", (None, None)),
        ("/ start", (None, None)),
    ],
)
def test_a_command_is_named_and_only_start_has_a_parameter(
    text: str | None, found: tuple[str | None, str | None]
) -> None:
    assert command_in(text) == found


async def test_people_may_be_told_of_in_any_thread(shop: Shop, query: Callable[..., Any]) -> None:
    tracking = shop.neonpay.use(Tracking())
    async with shop.neonpay:
        await asyncio.gather(*[asyncio.to_thread(tracking.seen, seen(update_id=number)) for number in range(20)])
    assert len(await query(_TOLD)) == 21


def seen(**fields: Any) -> SeenUpdate:
    said = {
        "bot_id": 7,
        "user_id": 1,
        "chat_id": 1,
        "kind": SeenKind.MESSAGE,
        "command": None,
        "parameter": None,
        "language_code": None,
        "at_us": 1_790_000_000_000_000,
        "update_id": None,
    }
    return SeenUpdate(**{**said, **fields})


async def test_events_are_counted_by_kind_subject_and_source_and_people_once(shop: Shop) -> None:
    async with shop.neonpay:
        for user_id, stage_id in ((1, "vip"), (1, "vip"), (2, "vip"), (2, "tea")):
            shop.neonpay.track_event("product_view", user_id, stage_id=stage_id, source="menu")
        shop.neonpay.track_event("product_share", 2)
        tracking = shop.neonpay.tracking
        assert await tracking.count() == {"product_view": 4, "product_share": 1}
        assert await tracking.count(by="subject", kind="product_view") == {"vip": 3, "tea": 1}
        assert await tracking.count(by="subject", kind="product_view", people=True) == {"vip": 2, "tea": 1}
        assert await tracking.count(by="source") == {"menu": 4, "": 1}
        now = moment(shop.clock.now_us() if shop.clock else 0)
        assert await tracking.count(until=now) == {}
        assert sum((await tracking.count(since=now)).values()) == 5


@pytest.mark.parametrize(
    ("verb", "wrong"),
    [
        ("count", {"by": "user_id"}),
        ("count", {"kind": 5}),
        ("count", {"kind": "nul\0"}),
        ("count", {"since": datetime(2026, 1, 1)}),  # noqa: DTZ001  # the mistake
        ("count", {"until": "today"}),
        ("export", {"since": datetime(2026, 1, 1)}),  # noqa: DTZ001
        ("export", {"until": 5}),
        ("export", {"after": 5}),
        ("export", {"limit": 0}),
    ],
)
async def test_a_question_that_is_none_is_refused_before_a_database_is_asked(
    shop: Shop, verb: str, wrong: dict[str, Any]
) -> None:
    async with shop.neonpay:
        with pytest.raises(ValidationError) as caught:
            await getattr(shop.neonpay.tracking, verb)(**wrong)
    assert {caught.value.field} == set(wrong)


async def test_an_export_names_nobody_and_the_same_person_alike_each_time(shop: Shop) -> None:
    person = 912_345_678
    async with shop.neonpay:
        for number in range(5):
            shop.neonpay.track_event("product_view", person if number else None, metadata={"said": "Ann"})
        whole = await shop.neonpay.tracking.export()
        first = await shop.neonpay.tracking.export(limit=2)
        rest = await shop.neonpay.tracking.export(after=str(first[-1]["event_id"]))
        assert shop.clock is not None
        shop.clock.advance(1)
        await shop.neonpay.books.rotate_key()
        later = await shop.neonpay.tracking.export()
    assert first + rest == whole == later
    pseudonyms = {str(event["person"]) for event in whole}
    assert len(pseudonyms - {"None"}) == 1
    assert (str(person) in str(whole), "Ann" in str(whole)) == (False, False)


async def test_old_data_is_cleaned_up_by_hand_as_well(shop: Shop) -> None:
    long_ago = SoftEvent(event_id="old", bot_id=shop.account.id, kind="x", at=datetime(2020, 1, 1, tzinfo=UTC))
    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(write_soft, [long_ago])
        assert await shop.neonpay.tracking.cleanup_old_data(days=30) == 1
        assert await shop.neonpay.tracking.cleanup_old_data(days=30) == 0
        with pytest.raises(ValidationError):
            await shop.neonpay.tracking.cleanup_old_data(days=0)
