"""The guide's own set-up, as it is written there: manager, collector and server in one program, on every address."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

import pytest

from neonpay import EventCollectorConfig, MultiBotAnalyticsManager, MultiBotEventCollector
from neonpay.web_analytics import run_analytics_server


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
    while "dashboard" not in await asyncio.wait_for(shown.get(), 30):
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
