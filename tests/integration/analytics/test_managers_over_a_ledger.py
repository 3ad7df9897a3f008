"""The managers of the guide over a ledger: money from the reports, and what people did beside it from what is told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import AnalyticsManager, MultiBotAnalyticsManager, MultiBotEvent
from neonpay.analytics import Period
from neonpay.core.clock import moment
from neonpay.core.people import Sender
from neonpay.errors import ConfigurationError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import payments
from neonpay.store.people import remember_bot

if TYPE_CHECKING:
    from tests.integration.conftest import Shop


@pytest.fixture
async def sold(shop: Shop) -> Shop:
    """Two people have paid fifty Stars each, one of whom got them back; a third one was sent an invoice."""
    shop.neonpay.on_payment(_nothing)
    async with shop.polling():
        kept, _ = [await shop.sells(await shop.visitor(name)) for name in ("Ann", "Bob")]
        await shop.neonpay.refund(kept.charge_id or "")
        await shop.neonpay.send_payment((await shop.visitor("Cyd")).id, "vip")
        await shop.settles()
        # The simulated Telegram has a time of its own.
        assert shop.clock is not None
        paid = sa.update(payments).values(paid_at=moment(shop.clock.now_us()))
        await shop.neonpay.pipeline.ledger.run(lambda transaction: transaction.connection.execute(paid).rowcount)
    return shop


async def _nothing(result: object) -> None:
    return None


async def test_money_is_that_of_the_reports_whatever_is_told_of_it(sold: Shop) -> None:
    neonpay, clock = sold.neonpay, sold.clock
    assert clock is not None
    with AnalyticsManager(neonpay=neonpay, clock=clock) as analytics:
        analytics.track_event("payment_completed", 99, amount=1_000_000, stage_id="vip")
        analytics.track_event("product_view", 1234, stage_id="vip")
        analytics.track_event("product_view", 1235, stage_id="other")
        # On the event loop of the shop itself: it waits, and does not wait for ever.
        report: Any = json.loads(analytics.export_analytics() or "")
        shed = analytics.get_stats()["shed_events"]
    async with neonpay:
        orders = await neonpay.reports.orders(Period.recent(30, now=moment(clock.now_us() + 1)))
    assert report["revenue"]["total"] == orders.takings.net_stars == 50
    assert (report["revenue"]["transactions"], report["revenue"]["refunded"]) == (2, 50)
    conversion = report["conversion"]
    assert conversion["funnel_steps"] == {
        "product_view": 5,
        "add_to_cart": 3,
        "payment_started": 3,
        "payment_completed": 2,
    }
    assert (conversion["visitors"], conversion["purchases"], conversion["rate"]) == (5, 2, 40.0)
    assert [
        (one["product_id"], one["product_name"], one["total_revenue"], one["views"]) for one in report["products"]
    ] == [
        ("vip", "VIP", 50, 1),
        ("other", "other", 0, 1),
    ]
    assert (report["users"]["new_users"], report["users"]["total_active_users"], shed) == (5, 5, 0)


async def test_a_bot_of_the_ledger_is_known_by_its_username_and_its_id(sold: Shop, database_url: str) -> None:
    bot_id, clock = sold.account.id, sold.clock
    assert clock is not None
    ledger = open_ledger(database_url)
    await ledger.run(remember_bot, bot_id, Sender(username="shop_bot"), 1)
    await ledger.close()
    with MultiBotAnalyticsManager(database_url=database_url, clock=clock) as network:
        network.track_event("product_view", "shop_bot", 1234, product_id="vip")
        network.track_event("payment_completed", "shop_bot", 99, amount=1_000_000)
        network.track_event("payment_completed", "far_bot", 99, amount=70, product_id="book")
        by_name, by_id = (network.get_bot_analytics(word) for word in ("@Shop_Bot", str(bot_id)))
        assert by_name == by_id
        assert by_name is not None
        assert (by_name.bot_name, by_name.source, by_name.total_revenue) == ("@shop_bot", "ledger", 50)
        assert by_name.events_by_type == {"payment_completed": 2, "payment_started": 3, "product_view": 1}
        network.register_bot("shop_bot", "The shop")
        found = network.get_network_analytics()
    assert found is not None
    assert [(bot["bot_id"], bot["bot_name"], bot["revenue"]) for bot in found.top_performing_bots] == [
        ("far_bot", "far_bot", 70),
        ("shop_bot", "The shop", 50),
    ]
    assert (found.total_bots, found.total_revenue, found.total_users) == (2, 120, 5)


async def test_what_was_collected_is_there_after_a_restart_and_once(database_url: str, clock: Any) -> None:
    at = moment(clock.now_us()).timestamp()
    events = [
        MultiBotEvent("payment_completed", "a", "Bot A", 1, 10, timestamp=at - n, event_id=str(n)) for n in range(9)
    ]
    for new in (9, 0):
        with MultiBotAnalyticsManager(database_url=database_url, clock=clock) as network:
            assert network.take(events) == new
            report: Any = network.get_network_report()
            assert [(bot["bot_name"], bot["total_revenue"]) for bot in report["bots"].values()] == [("Bot A", 90)]
    clock.advance(timedelta(days=100).total_seconds())
    with MultiBotAnalyticsManager(database_url=database_url, clock=clock) as network:
        assert network.cleanup_old_data(days=90) == 9
        assert [bot["bot_name"] for bot in (network.get_network_report() or {})["bots"].values()] == ["Bot A"]  # type: ignore[union-attr,call-overload,index]


async def test_an_event_of_no_bot_in_particular_says_what_to_type(database_url: str) -> None:
    with (
        AnalyticsManager(database_url=database_url) as analytics,
        pytest.raises(ConfigurationError, match=r"bot_id=.*none yet"),
    ):
        analytics.track_event("product_view", 1)
