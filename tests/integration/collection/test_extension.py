"""A shop that sends to a centre: the sums there are those of its books, whatever happens between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from typer.testing import CliRunner

from neonpay import EventCollectorConfig, MultiBotEventCollector, Payment
from neonpay.cli.main import app
from neonpay.collection.extension import Collection
from neonpay.ledger import Transaction
from neonpay.ledger.tables_collection import outbox
from neonpay.tracking import Tracking
from tests.integration.collection.conftest import SECRET
from tests.integration.collection.test_collectors import losing_answers_of
from tests.integration.collection.test_receiving import figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.integration.collection.test_receiving import Centres
    from tests.integration.conftest import MovableClock, Shop


async def delivers(payment: Payment) -> None:
    """There is nothing to do."""


async def arrived(served: Any, *, events: int) -> dict[str, Any]:
    """The figures of the centre once it has so many events, a second after the other."""
    while (found := await figures(served))["events"] < events:
        served.clock.advance(1)
    return found


async def test_payments_refunds_and_what_people_did_are_at_the_centre_once(
    centre_of: Centres, open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    async with centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served:
        shop = open_shop()
        sending = EventCollectorConfig(served.url, secret=SECRET, collection_interval_seconds=0.05, retry_delay=0.0)
        shop.neonpay.on_payment(stage="vip")(delivers)
        shop.neonpay.use(Tracking())
        shop.neonpay.use(Collection(sending, bot_name="Shop"))
        async with shop.polling():
            ann = await shop.visitor("Ann")
            first, second = await shop.sells(ann), await shop.sells(ann)
            await shop.neonpay.refund(first.charge_id or "")
            assert second.charge_id
            await shop.settles()
            # Two invoices, two payments, a refund; a start of the bot and one of Ann.
            found = await arrived(served, events=7)
        (bot,) = found["bots"]
        status = (await served.get("/analytics/status"))[1]["bots"]
    assert bot["bot_id"] == shop.neonpay.program.adapter.bot_id
    assert bot["name"] == "Shop"
    assert (bot["payments"], bot["revenue_stars"]) == (2, 50)
    assert bot["events_by_kind"] == {
        "bot_started": 1, "payment_completed": 2, "payment_refunded": 1, "payment_started": 2, "user_started": 1,
    }  # fmt: skip
    assert [one["repeated"] for one in status] == [0]


async def test_what_there_is_no_room_for_stays_in_the_ledger_and_is_counted_and_told_of(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    away = EventCollectorConfig("http://127.0.0.1:1", collection_interval_seconds=0.05, retry_delay=0.0, max_held=3)
    shop, collection = open_shop(), Collection(away)
    shop.neonpay.use(collection)
    async with shop.neonpay:
        for number in range(5):
            shop.neonpay.track_event("product_view", number)
            await shop.neonpay.tracking.count()  # which writes it
        assert await shop.neonpay.tracking.count() == {"product_view": 5}
        assert collection.get_stats()["shed"] == 2
    assert caplog.text.count("soft events are not sent to the centre") == 1
    assert "they are in the ledger" in caplog.text


async def test_a_centre_that_is_away_is_told_later_and_no_sale_waits_for_it(
    centre_of: Centres, open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    away = EventCollectorConfig("http://127.0.0.1:1", secret=SECRET, collection_interval_seconds=0.05, retry_delay=0.0)
    shop = open_shop()
    shop.neonpay.on_payment(stage="vip")(delivers)
    shop.neonpay.use(Tracking())
    shop.neonpay.use(Collection(away))
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
    await shop.neonpay.close()
    async with centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served:
        again = open_shop()
        sending = EventCollectorConfig(served.url, secret=SECRET, collection_interval_seconds=0.05)
        again.neonpay.on_payment(stage="vip")(delivers)
        again.neonpay.use(Tracking())
        again.neonpay.use(Collection(sending))
        async with again.polling():
            # An invoice, a payment, Ann, and the starts of two programs.
            found = await arrived(served, events=5)
        (bot,) = found["bots"]
    assert (bot["payments"], bot["revenue_stars"], bot["people"]) == (1, 50, 1)


async def test_a_shop_says_each_day_that_its_ledger_tells_however_little_it_sells(
    centre_of: Centres, open_shop: Callable[..., Shop], clock: MovableClock, tmp_path: Path
) -> None:
    told = {"kind": "payment_completed", "stars": 50}
    async with centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served:
        shop = open_shop()
        shop.neonpay.use(Collection(EventCollectorConfig(served.url, secret=SECRET, collection_interval_seconds=0.05)))
        bot_id = shop.neonpay.program.adapter.bot_id

        async def told_last() -> Any:
            return (await served.get("/analytics/status"))[1]["bots"][0]["seen_at"]

        async with shop.polling():
            while not (await served.get("/analytics/status"))[1]["bots"]:
                served.clock.advance(1)
            for _ in range(8):
                before = await told_last()
                clock.advance(24 * 3600)
                while await told_last() == before:
                    clock.advance(1)
            answer = await served.send(served.batch(served.event("a", **told), bot_id=bot_id))
    assert answer[1]["beside"] == 1


async def test_a_batch_of_payments_whose_answer_was_lost_counts_once(
    centre_of: Centres, open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    async with (
        centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served,
        losing_answers_of(served.url, 2) as url,
    ):
        shop = open_shop()
        shop.neonpay.on_payment(stage="vip")(delivers)
        shop.neonpay.use(Collection(EventCollectorConfig(url, secret=SECRET, collection_interval_seconds=0.05)))
        async with shop.polling():
            await shop.sells(await shop.visitor("Ann"))
            await arrived(served, events=2)
            while not (bot := (await served.get("/analytics/status"))[1]["bots"][0])["repeated"]:
                served.clock.advance(1)
        assert (bot["events"], (await figures(served))["revenue_stars"]) == (2, 50)


async def test_the_centre_forgets_whom_the_bot_forgets_and_the_sums_stay(
    centre_of: Centres, open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    async with centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served:
        shop = open_shop()
        shop.neonpay.on_payment(stage="vip")(delivers)
        shop.neonpay.use(Tracking())
        shop.neonpay.use(Collection(EventCollectorConfig(served.url, secret=SECRET, collection_interval_seconds=0.05)))
        async with shop.polling():
            ann, ben = await shop.visitor("Ann"), await shop.visitor("Ben")
            await shop.sells(ann)
            await shop.sells(ben)
            await arrived(served, events=7)
            await shop.neonpay.people.erase(ann.id)
            while (found := await figures(served))["people"] > 1:
                served.clock.advance(1)
    assert (found["revenue_stars"], found["payments"]) == (100, 2)


async def test_a_sale_that_the_handler_tells_a_collector_of_as_well_counts_once(
    centre_of: Centres, open_shop: Callable[..., Shop], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served:
        shop = open_shop()
        sending = EventCollectorConfig(served.url, secret=SECRET, collection_interval_seconds=0.05)
        collector = MultiBotEventCollector(sending, clock=served.clock)
        bot_id = shop.neonpay.program.adapter.bot_id

        @shop.neonpay.on_payment(stage="vip")
        async def tells(payment: Payment) -> None:
            event = {"event_type": "payment_completed", "user_id": payment.user_id, "amount": payment.amount}
            await collector.receive_realtime_event({**event, "bot_id": bot_id})

        shop.neonpay.use(Collection(sending))
        async with shop.polling(), collector:
            while not (await served.get("/analytics/status"))[1]["bots"]:
                served.clock.advance(1)
            await shop.sells(await shop.visitor("Ann"))
            await shop.settles()
            assert all((await collector.collect_now()).values())
            (bot,) = (await arrived(served, events=2))["bots"]
    assert (bot["payments"], bot["revenue_stars"], bot["events"]) == (1, 50, 2)
    assert "the centre keeps nothing that this collector tells of payments" in caplog.text


async def test_the_command_takes_a_person_out_of_what_waits_and_the_bot_has_the_centre_forget_them(
    centre_of: Centres, open_shop: Callable[..., Shop], database_url: str, tmp_path: Path
) -> None:
    away = EventCollectorConfig("http://127.0.0.1:1", secret=SECRET, collection_interval_seconds=0.05, retry_delay=0.0)
    shop = open_shop()
    shop.neonpay.on_payment(stage="vip")(delivers)
    shop.neonpay.use(Tracking())
    shop.neonpay.use(Collection(away))
    async with shop.polling():
        ann, ben = await shop.visitor("Ann"), await shop.visitor("Ben")
        await shop.sells(ann)
        await shop.sells(ben)
    await shop.neonpay.close()
    command = ["people", "erase", str(ann.id), "--yes", "--database", database_url]
    erased = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert "1 events that waited to be sent to a centre" in erased.stdout, (erased.stdout, erased.stderr)
    assert "Still to be done: the bot's program that sends to a centre has the centre forget" in erased.stdout
    async with centre_of(database_url=f"sqlite:///{tmp_path / 'centre.db'}") as served:
        again = open_shop()
        again.neonpay.on_payment(stage="vip")(delivers)
        again.neonpay.use(Tracking())
        again.neonpay.use(Collection(EventCollectorConfig(served.url, secret=SECRET, collection_interval_seconds=0.05)))
        async with again.polling():
            # Two payments, Ben and his invoice, and the starts of two programs.
            found = await arrived(served, events=6)
            while await again.neonpay.program.pipeline.ledger.read(waiting):
                served.clock.advance(1)
    (bot,) = found["bots"]
    assert (bot["payments"], bot["revenue_stars"], bot["people"], bot["events"]) == (2, 100, 1, 6)


def waiting(transaction: Transaction) -> int:
    return int(transaction.connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one())
