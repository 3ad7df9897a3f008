"""What a program tells its collector is at the centre once, whatever happens to either of them."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from neonpay import CentralEventCollector, EventCollectorConfig, MultiBotEventCollector, RealTimeEventCollector
from neonpay.collection.extension import Collection
from neonpay.errors import ConfigurationError, ValidationError
from neonpay.web import serving
from tests.integration.collection.conftest import SECRET
from tests.integration.collection.test_receiving import figures
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.collection.test_receiving import Centres

NOBODY = "http://127.0.0.1:1"
PAID = {"event_type": "payment_completed", "bot_id": "store_bot", "user_id": 12345, "amount": 100}


def config(url: str, **options: Any) -> EventCollectorConfig:
    return EventCollectorConfig(url, **{"retry_delay": 0.0, "secret": SECRET, "max_retries": 1, **options})


async def test_the_guides_collector_has_the_centre_know_what_it_is_told(
    centre_of: Centres, clock: MovableClock
) -> None:
    async with centre_of() as served:
        collector = MultiBotEventCollector(config(served.url), clock=clock)
        collector.add_bot("store_bot", "Main Store Bot", "https://main-bot.com")
        await collector.start()
        await collector.receive_realtime_event({**PAID, "timestamp": clock.now_us() / 1e6})
        assert await collector.collect_now() == {"store_bot": True}
        stats = collector.get_stats()
        await collector.stop()
        (bot,) = (await figures(served))["bots"]
    assert (bot["alias"], bot["name"], bot["revenue_stars"], bot["people"]) == ("store_bot", "Main Store Bot", 100, 1)
    assert json.loads(json.dumps(stats))["sent_events"] == 1


@pytest.mark.parametrize("name", ["", "a" * 1_000, "nul\0", "half \ud83d", 7])
async def test_a_name_that_no_centre_takes_is_refused_before_it_costs_a_batch(name: Any) -> None:
    collector = CentralEventCollector(config(NOBODY))
    with pytest.raises(ValidationError, match="bot_name"):
        collector.add_bot("dead", name)
    with pytest.raises(ValidationError, match="bot_name"):
        Collection(config(NOBODY), bot_name=name)
    if name:
        with pytest.raises(ValidationError, match="bot_name"):
            await collector.tell({**PAID, "bot_name": name})
    assert await collector.collect_now() == {}
    await collector.stop_collection()


async def test_a_dead_centre_is_told_of_and_nothing_is_said_to_have_arrived(clock: MovableClock) -> None:
    collector = CentralEventCollector(config(NOBODY), clock=clock)
    collector.add_bot("dead", "Dead", "https://dead.example")
    await collector.tell({**PAID, "bot_id": "dead"})
    assert await collector.collect_now() == {"dead": False}
    assert "no answer from the centre" in collector.get_stats()["last_error"]
    await collector.stop_collection()


async def test_what_was_told_while_the_centre_was_dead_is_sent_by_the_next_program(
    centre_of: Centres, clock: MovableClock, tmp_path: Path
) -> None:
    own = f"sqlite:///{tmp_path / 'bot.db'}"
    dead = CentralEventCollector(config(NOBODY), database_url=own, clock=clock)
    for number in range(450):
        await dead.tell(
            {"event_type": "product_view", "bot_id": "store_bot", "user_id": number, "event_id": str(number)}
        )
    await dead.stop_collection()
    async with centre_of() as served:
        again = CentralEventCollector(config(served.url, batch_size=100), database_url=own, clock=clock)
        assert all((await again.collect_now()).values())
        found = await figures(served)
        assert (found["events"], found["people"], found["bots"][0]["alias"]) == (450, 450, "store_bot")
        await again.stop_collection()


async def test_memory_is_bounded_and_what_is_shed_is_counted(clock: MovableClock) -> None:
    collector = RealTimeEventCollector(NOBODY)
    assert collector.config.max_held == 1_000_000
    small = CentralEventCollector(config(NOBODY, max_held=3), clock=clock)
    for number in range(5):
        await small.tell({**PAID, "event_id": str(number)})
    assert small.get_stats()["shed"] == 2
    await small.stop_collection()
    await collector.stop()


async def test_a_clock_that_is_wrong_learns_the_time_of_the_centre(centre_of: Centres) -> None:
    async with centre_of() as served:
        wrong = MovableClock()
        wrong.advance(3 * 3600)
        collector = CentralEventCollector(config(served.url), clock=wrong)
        await collector.tell(PAID)
        assert await collector.collect_now()
        assert collector.get_stats()["sent_events"] == 1
        await collector.stop_collection()
        assert (await served.get("/analytics/status"))[1]["bots"][0]["moved"] == 1


async def test_a_batch_that_was_kept_and_not_answered_is_not_kept_twice(
    centre_of: Centres, clock: MovableClock
) -> None:
    async with centre_of() as served, losing_answers_of(served.url, 1) as url:
        collector = CentralEventCollector(config(url, max_retries=2), clock=clock)
        await collector.tell(PAID)
        assert all((await collector.collect_now()).values())
        assert (await figures(served))["revenue_stars"] == 100
        stats = collector.get_stats()
        assert (stats["sent_events"], stats["repeated"]) == (1, 1)
        await collector.stop_collection()


async def test_a_centre_that_says_when_to_come_again_is_not_asked_before(clock: MovableClock) -> None:
    asked: list[str] = []

    async def busy(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"error": "busy", "message": ""}, status=503, headers={"Retry-After": "120"})

    app = web.Application()
    app.router.add_post("/analytics/collect", busy)
    async with serving(app, port=0) as url:
        collector = CentralEventCollector(config(url, max_retries=5), clock=clock)
        await collector.tell(PAID)
        assert await collector.collect_now()
        assert not any((await collector.collect_now()).values())
        await collector.stop_collection()
    assert asked == ["/analytics/collect"]


async def test_whoever_is_no_centre_has_kept_nothing(clock: MovableClock) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_post("/analytics/collect", hello)
    async with serving(app, port=0) as url:
        collector = CentralEventCollector(config(url), clock=clock)
        await collector.tell(PAID)
        assert not any((await collector.collect_now()).values())
        await collector.stop_collection()


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"bot_id": "a"}, "event_type"),
        ({"event_type": "k"}, "bot_id"),
        ({**PAID, "amount": "boom"}, "amount"),
        ({**PAID, "amount": -5}, "amount"),
        ({**PAID, "price": 5}, "event"),
        ({**PAID, "product_id": 5}, "product_id"),
        ({**PAID, "timestamp": "now"}, "timestamp"),
        ({**PAID, "timestamp": float("nan")}, "timestamp"),
        ({**PAID, "metadata": {"at_told": 1}}, "metadata"),
        ({**PAID, "metadata": {"x": "y" * 4_090}}, "metadata"),
        ({**PAID, "bot_id": ""}, "bot_id"),
    ],
)
async def test_an_event_that_no_centre_would_take_is_refused_at_once(
    event: dict[str, Any], field: str, clock: MovableClock
) -> None:
    collector = CentralEventCollector(config(NOBODY), clock=clock)
    with pytest.raises(ValidationError) as caught:
        await collector.tell(event)
    assert caught.value.field == field  # as the program has told it


def test_a_config_shows_no_secret_and_takes_no_address_that_is_none() -> None:
    assert SECRET not in repr(config("http://localhost:8081"))
    for url in (
        "localhost:8081", "ftp://x", "http://", "http://user:pass@host", "http://host:99999", "http://host:x", "http://[::1",
        "http://host/#there", "http://host /x", "http://host\n", 5, None,
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match="central_analytics_url"):
            EventCollectorConfig(url)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize("name", ["retry_delay", "timeout_s", "collection_interval_seconds", "batch_size", "max_held"])
@pytest.mark.parametrize("value", ["30", None, -1, True, float("inf"), float("nan")])
def test_a_config_takes_no_number_that_is_none(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        EventCollectorConfig(**{name: value})


@pytest.mark.parametrize("wrong", [object(), "http://localhost:8081", None])
def test_what_is_no_config_is_refused_when_a_collector_is_made(wrong: Any) -> None:
    for kind in (CentralEventCollector, MultiBotEventCollector, Collection):
        with pytest.raises(ConfigurationError, match="EventCollectorConfig"):
            kind(wrong)


@pytest.mark.parametrize("wrong", [5, None, ["event_type"], "product_view"])
async def test_what_is_no_event_at_all_is_refused(wrong: Any, clock: MovableClock) -> None:
    collector = CentralEventCollector(config(NOBODY), clock=clock)
    with pytest.raises(ValidationError, match="event must be a dict"):
        await collector.tell(wrong)


@asynccontextmanager
async def losing_answers_of(url: str, count: int) -> AsyncIterator[str]:
    """Somebody between bot and centre, who cuts off the first answers that tell of something new."""
    import aiohttp

    lost = 0
    async with aiohttp.ClientSession() as session:

        async def pass_on(request: web.Request) -> web.Response:
            nonlocal lost
            sent = {name: value for name, value in request.headers.items() if name != "Host"}
            async with session.post(
                f"{url.rstrip('/')}{request.path}", data=await request.read(), headers=sent
            ) as answer:
                body = await answer.read()
            if lost < count and json.loads(body)["new"]:
                lost += 1
                assert request.transport is not None
                request.transport.abort()
            return web.Response(body=body, status=answer.status, content_type="application/json")

        app = web.Application()
        app.router.add_post("/analytics/collect", pass_on)
        async with serving(app, port=0) as between:
            yield between


async def test_a_collector_that_was_stopped_starts_again(
    centre_of: Centres, clock: MovableClock, tmp_path: Path
) -> None:
    async with centre_of() as served:
        for own in (None, f"sqlite:///{tmp_path / 'bot.db'}"):
            collector = MultiBotEventCollector(config(served.url), database_url=own, clock=clock)
            for number in range(2):
                async with collector:
                    await collector.tell({**PAID, "event_id": f"{own is None} {number}"})
                    assert all((await collector.collect_now()).values())
        assert (await figures(served))["events"] == 4


async def test_a_collector_stops_beside_a_centre_that_hangs_and_says_what_is_left(
    clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_post("/analytics/collect", hang)
    async with serving(app, port=0) as hanging:
        collector = MultiBotEventCollector(EventCollectorConfig(hanging, timeout_s=500), clock=clock)
        with pytest.raises(ValidationError):
            await collector.tell({"event_type": None, "bot_id": "shop"})
        await collector.tell({"event_type": "product_view", "bot_id": "shop"})
        async with asyncio.timeout(100):
            await collector.stop()
    assert "the centre does not answer; 1 events are left for it" in caplog.text


async def test_a_bot_of_which_something_was_lost_is_not_said_to_have_arrived(
    centre_of: Centres, clock: MovableClock
) -> None:
    async with centre_of() as served:
        collector = MultiBotEventCollector(EventCollectorConfig(served.url, secret=SECRET, max_held=1), clock=clock)
        for bot_id in ("first", "second"):
            await collector.tell({"event_type": "product_view", "bot_id": bot_id})
        arrived = await collector.collect_now()
        await collector.stop()
    assert sorted(arrived.values()) == [False, True]
