"""The managers of the guide over a ledger: money from the reports, and what people did beside it from what is told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import AnalyticsManager, MultiBotAnalyticsManager, MultiBotEvent
from neonpay.analytics import Period
from neonpay.analytics.managers.events import bot_number
from neonpay.core.clock import moment
from neonpay.core.people import Sender
from neonpay.errors import ConfigurationError, LedgerClosedError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_collection import collected_bots
from neonpay.store.people import remember_bot
from neonpay.tracking import SoftEvent, write_soft

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
        await shop.neonpay.program.pipeline.ledger.run(
            lambda transaction: transaction.connection.execute(paid).rowcount
        )
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


async def test_bots_that_a_centre_heard_of_are_in_every_report(database_url: str, clock: Any) -> None:
    at = moment(clock.now_us())
    number = bot_number("far_bot")
    heard = sa.insert(collected_bots).values(
        bot_id=number, alias="far_bot", name="Far Bot", first_at=at, seen_at=at, events=2, repeated=0, moved=0
    )
    sold_and_back = [
        SoftEvent(event_id="1", bot_id=number, kind="payment_completed", at=at, user_id=1, subject="vip", stars=90),
        SoftEvent(event_id="2", bot_id=number, kind="payment_refunded", at=at, user_id=1, subject="vip", stars=-90),
    ]
    ledger = open_ledger(database_url)
    await ledger.run(lambda transaction: transaction.connection.execute(heard).rowcount)
    await ledger.run(write_soft, sold_and_back)
    await ledger.close()
    with MultiBotAnalyticsManager(database_url=database_url, clock=clock) as network:
        bot = network.get_bot_analytics("far_bot")
        assert bot is not None
        assert (bot.bot_name, bot.total_events, bot.total_revenue, bot.total_transactions) == ("Far Bot", 2, 0, 1)
        assert bot.revenue_by_product == {"vip": 0}
        network.register_bot("far_bot", "Ours")
        stats = network.get_stats()
    assert stats["bot_registry"] == {"far_bot": {"bot_name": "Ours"}}


async def test_an_ab_test_is_told_by_the_ledger_s_buyers(sold: Shop) -> None:
    assert sold.clock is not None
    with AnalyticsManager(neonpay=sold.neonpay, clock=sold.clock) as analytics:
        everybody = analytics.get_experiment("x", ("a", "b"))
        shown = analytics.get_experiment("x", ("a", "b"), shown_by="offer_shown")
    assert everybody is not None
    assert shown is not None
    assert [sum(one.people for one in everybody.variants), sum(one.bought for one in everybody.variants)] == [3, 2]
    assert sum(one.people for one in shown.variants) == 0


async def test_a_bot_that_the_ledger_does_not_have_is_no_bot_without_sales(sold: Shop, database_url: str) -> None:
    with (
        AnalyticsManager(database_url=database_url, bot_id=999) as analytics,
        pytest.raises(ConfigurationError, match=rf"bot 999; it has: {sold.account.id}"),
    ):
        analytics.get_revenue_analytics()
    with AnalyticsManager(database_url=database_url, bot_id=sold.account.id, clock=sold.clock) as analytics:
        revenue = analytics.get_revenue_analytics()
    assert revenue is not None
    assert revenue.total_revenue == 50


async def test_an_event_of_no_bot_in_particular_says_what_to_type(database_url: str) -> None:
    with (
        AnalyticsManager(database_url=database_url) as analytics,
        pytest.raises(ConfigurationError, match=r"bot_id=.*none yet"),
    ):
        analytics.track_event("product_view", 1)


async def test_money_told_of_a_word_that_may_be_a_bot_of_the_ledger_is_warned_of_once(
    sold: Shop, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with MultiBotAnalyticsManager(database_url=database_url, clock=sold.clock) as network:
        before = network.get_network_analytics()
        network.track_event("payment_completed", str(sold.account.id), 7, amount=100)
        same = network.get_network_analytics()
        assert "count beside" not in caplog.text
        for _ in range(2):
            network.track_event("payment_completed", "main_bot", 7, amount=100)
            beside = network.get_network_analytics()
    assert before is not None
    assert same is not None
    assert beside is not None
    assert (same.total_revenue, beside.total_revenue) == (before.total_revenue, before.total_revenue + 200)
    (line,) = [record.getMessage() for record in caplog.records if "count beside" in record.getMessage()]
    assert "payments of main_bot are told" in line
    assert str(sold.account.id) in line


def test_what_a_closed_manager_is_told_is_let_go_and_it_can_be_closed_again(database_url: str) -> None:
    network = MultiBotAnalyticsManager(database_url=database_url)
    network.register_bot("tea", "Tea")
    network.close()
    network.track_event("user_message", "tea", 5)
    with pytest.raises(LedgerClosedError, match="make another one"):
        network.get_stats()
    network.close()
    with MultiBotAnalyticsManager(database_url=database_url) as again:
        assert again.get_stats()["total_events"] == 0
