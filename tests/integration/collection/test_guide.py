"""The guide's own set-up, as it is written there: manager, collector and server in one program, on every address."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from neonpay import EventCollectorConfig, MultiBotAnalyticsManager, MultiBotEventCollector
from neonpay.web_analytics import run_analytics_server

if TYPE_CHECKING:
    from tests.integration.collection.test_receiving import Centres
    from tests.integration.conftest import MovableClock


async def test_manager_collector_and_server_of_one_program_know_an_event_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as found:
        found.bind(("0.0.0.0", 0))  # noqa: S104  # as the guide has it
        port = found.getsockname()[1]
    multi_analytics = MultiBotAnalyticsManager(enable_analytics=True)
    multi_analytics.register_bot("main_bot", "Main Store Bot")
    event_collector = MultiBotEventCollector(
        EventCollectorConfig(
            central_analytics_url=f"http://localhost:{port}",
            collection_interval_seconds=30,
            retry_delay=0.0,
            enable_real_time=True,
            enable_batch_collection=True,
        )
    )
    event_collector.add_bot("main_bot", "Main Store Bot", "https://main-bot.com")
    event_collector.add_bot("support_bot", "Support Bot", "https://support-bot.com")
    shown: asyncio.Queue[str] = asyncio.Queue()
    server = asyncio.create_task(
        run_analytics_server(multi_analytics, event_collector, host="0.0.0.0", port=port, tell=shown.put_nowait)  # noqa: S104
    )
    while "dashboard" not in await asyncio.wait_for(shown.get(), 100):
        assert not server.done()
    await event_collector.start()
    multi_analytics.track_event(
        event_type="payment_completed", bot_id="main_bot", user_id=12345, amount=100, product_id="premium_access"
    )
    await event_collector.receive_realtime_event(
        {"event_type": "payment_completed", "bot_id": "support_bot", "user_id": 12345, "amount": 70}
    )
    assert all((await event_collector.collect_now()).values())
    report = multi_analytics.get_network_report(days=30)
    stats = event_collector.get_stats()
    await event_collector.stop()
    server.cancel()
    await asyncio.wait({server})
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert report is not None
    network = json.loads(json.dumps(report))["network"]
    assert (network["total_revenue"], network["total_transactions"]) == (170, 2)
    assert (stats["sent_events"], stats["sent_batches"], stats["repeated"]) == (1, 1, 0)


async def test_who_is_erased_at_the_centre_is_erased_from_the_figures_of_its_manager(
    centre_of: Centres, clock: MovableClock
) -> None:
    manager = MultiBotAnalyticsManager(clock=clock)
    async with centre_of(multi_bot_analytics=manager, database_url=None) as served:
        paid = {"kind": "payment_completed", "stars": 30, "subject": "vip"}
        told = [served.event("1"), served.event("2", **paid), served.event("3", user_id=8)]
        assert (await served.send(served.batch(*told, bot_id="shop")))[0] == 200
        before = manager.get_network_analytics()
        erased = [served.event("4", kind="person_erased"), served.event("5")]
        assert (await served.send(served.batch(*erased, bot_id="shop")))[0] == 200
        # Sent again under other ids, as by a bot that lost them, and late.
        late = [{**event, "event_id": f"late-{event['event_id']}"} for event in told]
        assert (await served.send(served.batch(*late, bot_id="shop")))[1]["forgotten"] == 1
        after = manager.get_network_analytics()
    assert before is not None
    assert after is not None
    assert (before.total_users, before.total_revenue) == (2, 30)
    assert (after.total_users, after.total_revenue) == (1, 60)
    manager.close()


async def test_a_registered_name_stays_and_what_went_back_makes_nobody_a_high_value_user(
    centre_of: Centres, clock: MovableClock
) -> None:
    manager = MultiBotAnalyticsManager(clock=clock, high_value_stars=100)
    manager.register_bot("shop", "Main Store Bot")
    async with centre_of(multi_bot_analytics=manager, database_url=None) as served:
        paid = {"kind": "payment_completed", "stars": 100}
        told = [served.event("1", **paid), served.event("2", **paid, user_id=8)]
        back = served.event("3", kind="payment_refunded", stars=-100)
        assert (await served.send(served.batch(*told, back, bot_id="shop", bot_name="Wire Name")))[0] == 200
        assert (await served.send(served.batch(served.event("4"), bot_id="other", bot_name="Other Bot")))[0] == 200
        report = manager.get_network_report()
    assert report is not None
    bots = json.loads(json.dumps(report))["bots"]
    assert {bot["bot_name"] for bot in bots.values()} == {"Main Store Bot", "Other Bot"}
    assert bots["shop"]["user_activity_summary"]["high_value_users"] == 1
    manager.close()


async def test_a_manager_of_the_centres_own_ledger_does_not_bring_back_who_was_erased(
    centre_of: Centres, database_url: str, clock: MovableClock
) -> None:
    manager = MultiBotAnalyticsManager(database_url=database_url, clock=clock)
    async with centre_of(multi_bot_analytics=manager) as served:
        batch = [served.event("1", kind="person_erased"), served.event("2")]
        assert (await served.send(served.batch(*batch, bot_id="shop")))[0] == 200
        found = await asyncio.to_thread(manager.get_network_analytics)
        manager.close()
    assert found is not None
    assert (found.total_users, found.total_events) == (0, 0)
