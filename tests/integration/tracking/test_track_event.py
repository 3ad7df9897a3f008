"""``track_event``: from any thread, without waiting, written in batches, and never a matter of money."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.errors import LedgerError, LedgerUnavailableError, ValidationError
from neonpay.ledger import Ledger, open_ledger
from neonpay.ledger.tables_tracking import soft_events
from neonpay.tracking.buffer import BATCH, SoftBuffer
from neonpay.tracking.kinds import KNOWN, OF_LEDGER
from neonpay.tracking.telling import track
from neonpay.tracking.writer import SoftWriter

if TYPE_CHECKING:
    from tests.integration.conftest import MovableClock, Shop

_KINDS = sa.select(soft_events.c.kind, soft_events.c.user_id).order_by(soft_events.c.event_id)


class Watched:
    """A ledger that tells when something was run, and whose first units are answered with an error."""

    def __init__(self, ledger: Ledger, error: LedgerError | None = None, *, times: int = 0) -> None:
        self.ledger, self._error, self._times = ledger, error, times
        self.has_run = asyncio.Event()
        self.sizes: list[int] = []

    async def run(self, *args: Any) -> Any:
        if self._error is not None and self._times:
            self._times -= 1
            raise self._error
        result = await self.ledger.run(*args)
        self.sizes.append(len(args[1]))
        self.has_run.set()
        return result


def tell(buffer: SoftBuffer, clock: MovableClock, kind: str = "product_view", **fields: Any) -> bool:
    nothing = dict.fromkeys(("user_id", "stars", "subject", "source", "data", "event_id"))
    return track(buffer, 7, clock, **{"kind": kind, **nothing, **fields})


async def test_what_is_tracked_is_in_the_ledger_once_the_shop_is_closed(shop: Shop, query: Callable[..., Any]) -> None:
    async with shop.neonpay:
        assert shop.neonpay.track_event("product_view", 12345, stage_id="vip", metadata={"from": "menu"}, source="ad")
        assert shop.neonpay.track_event("my own", user_id=5)
        assert shop.neonpay.get_stats()["soft_events_waiting"] == 2
    told = (soft_events.c[name] for name in ("kind", "user_id", "subject", "source", "data"))
    rows = await query(sa.select(*told).order_by(soft_events.c.event_id))
    assert [tuple(row) for row in rows] == [
        ("product_view", 12345, "vip", "ad", '{"from":"menu"}'),
        ("my own", 5, None, None, "{}"),
    ]
    stats = shop.neonpay.get_stats()
    assert (stats["soft_events_waiting"], stats["soft_events_written"], stats["soft_events_shed"]) == (0, 2, 0)


async def test_it_is_written_by_itself(database_url: str, clock: MovableClock, query: Callable[..., Any]) -> None:
    watched = Watched(open_ledger(database_url, clock=clock))
    buffer = SoftBuffer(clock=clock)
    writer = SoftWriter(buffer, watched, every_s=0.01)  # type: ignore[arg-type]  # all that it uses
    writer.start()
    try:
        for number in range(3):
            watched.has_run.clear()
            tell(buffer, clock, user_id=number)
            async with asyncio.timeout(100):
                await watched.has_run.wait()
    finally:
        await writer.stop()
        await watched.ledger.close()
    assert [user_id for _, user_id in await query(_KINDS)] == [0, 1, 2]


async def test_what_is_told_before_the_shop_opens_waits_for_it(shop: Shop, query: Callable[..., Any]) -> None:
    shop.neonpay.track_event("product_view", 1)
    async with shop.neonpay:
        pass
    assert [tuple(row) for row in await query(_KINDS)] == [("product_view", 1)]


async def test_it_may_be_called_from_any_thread(shop: Shop, query: Callable[..., Any]) -> None:
    def many(number: int) -> None:
        for count in range(100):
            shop.neonpay.track_event("product_click", number * 1000 + count)

    async with shop.neonpay:
        threads = [threading.Thread(target=many, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    assert len(await query(_KINDS)) == 400


async def test_what_the_ledger_knows_is_not_kept_a_second_time(shop: Shop, query: Callable[..., Any]) -> None:
    told: list[bool] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: Any) -> None:
        bought = (result.user_id, result.amount, result.stage_id)
        told.extend([shop.neonpay.track_event(name, *bought) for name in sorted(OF_LEDGER)])

    async with shop.polling():
        await shop.sells(await shop.visitor())
    assert told == [False] * 8
    assert await query(_KINDS) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": ""},
        {"event_type": 7},
        {"user_id": "Ann"},
        {"amount": "5"},
        {"metadata": {"x": {1, 2}}},
        {"stage_id": 7},
    ],
)
def test_an_argument_of_another_kind_is_refused_where_it_is_given(shop: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        shop.neonpay.track_event(**{"event_type": "product_view", **wrong})
    assert {caught.value.field} == set(wrong)


def test_texts_that_are_too_long_are_cut(clock: MovableClock) -> None:
    buffer = SoftBuffer(clock=clock)
    assert tell(buffer, clock, subject="s" * 500, source="\ud800" + "x" * 500)
    (event,) = buffer.take()
    assert event.subject is not None
    assert event.source is not None
    assert (len(event.subject), len(event.source)) == (128, 128)


def test_what_comes_when_the_buffer_is_full_is_counted_and_told_of_once_a_minute(
    clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = SoftBuffer(clock=clock, most=3)
    with caplog.at_level(logging.WARNING, "neonpay.tracking"):
        kept = [tell(buffer, clock) for _ in range(10)]
        clock.advance(61)
        tell(buffer, clock)
    assert kept == [True] * 3 + [False] * 7
    assert (len(buffer), buffer.shed) == (3, 8)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "1 soft events were not kept, 1 so far",
        "7 soft events were not kept, 8 so far",
    ]


async def test_what_the_ledger_could_not_take_is_written_once_it_can(
    database_url: str, clock: MovableClock, query: Callable[..., Any]
) -> None:
    ledger = open_ledger(database_url, clock=clock)
    buffer = SoftBuffer(clock=clock)
    writer = SoftWriter(buffer, Watched(ledger, LedgerUnavailableError("away"), times=2))  # type: ignore[arg-type]
    for number in range(BATCH + 5):
        tell(buffer, clock, user_id=number)
    try:
        for _ in range(2):
            with pytest.raises(LedgerUnavailableError):
                await writer.write()
            assert len(buffer) == BATCH + 5
        await writer.write()
    finally:
        await ledger.close()
    assert (len(buffer), buffer.written, buffer.shed) == (0, BATCH + 5, 0)
    assert len(await query(_KINDS)) == BATCH + 5


async def test_what_the_ledger_refuses_for_good_keeps_nothing_else_waiting(
    database_url: str, clock: MovableClock, query: Callable[..., Any]
) -> None:
    ledger = open_ledger(database_url, clock=clock)
    buffer = SoftBuffer(clock=clock)
    writer = SoftWriter(buffer, Watched(ledger, LedgerError("no"), times=1))  # type: ignore[arg-type]
    for number in range(BATCH + 5):
        tell(buffer, clock, user_id=number)
    try:
        await writer.write()
    finally:
        await ledger.close()
    assert (buffer.written, buffer.shed) == (5, BATCH)


async def test_no_transaction_has_more_than_a_batch_so_that_a_checkout_waits_for_little(
    database_url: str, clock: MovableClock
) -> None:
    watched = Watched(open_ledger(database_url, clock=clock))
    buffer = SoftBuffer(clock=clock)
    for number in range(3 * BATCH + 1):
        tell(buffer, clock, user_id=number)
    try:
        await SoftWriter(buffer, watched).write()  # type: ignore[arg-type]
    finally:
        await watched.ledger.close()
    assert watched.sizes == [BATCH, BATCH, BATCH, 1]


async def test_what_comes_while_it_writes_waits_for_others_to_be_written_with(
    database_url: str, clock: MovableClock
) -> None:
    buffer = SoftBuffer(clock=clock)

    class Busy(Watched):
        """Whenever something is written, somebody has done something meanwhile."""

        async def run(self, *args: Any) -> Any:
            if len(self.sizes) < 20:
                tell(buffer, clock)
            return await super().run(*args)

    watched = Busy(open_ledger(database_url, clock=clock))
    tell(buffer, clock)
    tell(buffer, clock)
    try:
        await SoftWriter(buffer, watched).write()  # type: ignore[arg-type]
    finally:
        await watched.ledger.close()
    assert watched.sizes == [2]
    assert len(buffer) == 1


async def test_what_an_event_loop_that_died_has_left_is_written_by_the_next(
    database_url: str, clock: MovableClock, query: Callable[..., Any]
) -> None:
    buffer = SoftBuffer(clock=clock)

    async def dies() -> None:
        SoftWriter(buffer, open_ledger(database_url, clock=clock)).start()
        tell(buffer, clock, user_id=1)

    await asyncio.to_thread(asyncio.run, dies())
    tell(buffer, clock, user_id=2)
    ledger = open_ledger(database_url, clock=clock)
    writer = SoftWriter(buffer, ledger)
    writer.start()
    await writer.stop()
    await ledger.close()
    assert [user_id for _, user_id in await query(_KINDS)] == [1, 2]


async def test_a_writer_whose_task_was_cancelled_goes_on(database_url: str, clock: MovableClock) -> None:
    watched = Watched(open_ledger(database_url, clock=clock))
    buffer = SoftBuffer(clock=clock)
    writer = SoftWriter(buffer, watched, every_s=0.01)  # type: ignore[arg-type]
    writer.start()
    try:
        tell(buffer, clock)
        await asyncio.sleep(0)
        for task in asyncio.all_tasks():
            if task.get_name() == "neonpay soft events":
                task.cancel()
        async with asyncio.timeout(100):
            await watched.has_run.wait()
    finally:
        await writer.stop()
        await watched.ledger.close()
    assert buffer.written == 1


def test_a_process_that_was_forked_has_nothing_of_its_parents(clock: MovableClock) -> None:
    buffer = SoftBuffer(clock=clock, most=1)
    tell(buffer, clock)
    with buffer._shedding:  # noqa: SLF001  # as a thread may hold it that is not there after the fork
        buffer.begin_in_child()
        assert len(buffer) == 0
        assert tell(buffer, clock)
        assert not tell(buffer, clock)


def test_every_name_of_the_guide_is_known() -> None:
    guide = """
        user_started user_message user_callback
        product_view product_click product_share
        payment_started payment_completed payment_failed payment_cancelled
        promo_code_used promo_code_invalid
        subscription_created subscription_renewed subscription_expired subscription_cancelled
        bot_started bot_sync bot_error
    """
    assert set(guide.split()) == set(map(str, KNOWN))
