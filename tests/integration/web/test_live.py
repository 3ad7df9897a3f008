"""Live events: the last ones on a page, and those that come, each once, while somebody watches."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import events
from neonpay.web import create_dashboard_app, serving
from neonpay.web.access import Role
from neonpay.web.access.accounts import remove_account
from neonpay.web.pages.live import feed, page
from neonpay.web.pages.live.feed import FEED
from neonpay.web.pages.live.query import SHOWN
from tests.integration.web.test_payment import EVIL
from tests.integration.web.visiting import PASSWORD, admit, browser, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

IDS = re.compile(r"^id: (\S+)$", re.MULTILINE)


class Stream:
    """What a browser reads of a stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.text = ""

    async def until(self, words: str, *, count: int = 1) -> str:
        """Read on until words were told so often."""
        async with asyncio.timeout(100):
            while self.text.count(words) < count:
                chunk = await self.answer.content.readany()
                assert chunk, f"it has ended: {self.text}"
                self.text += chunk.decode()
        return self.text


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed.Feed.__init__, "__kwdefaults__", {"every_s": 0.02})


async def test_the_page_lists_the_last_events_and_works_without_a_script(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        assert "Nothing has happened yet." in await (await http.get("/live")).text()
        await shop.sells(await shop.visitor("Ann"))
        text = await (await http.get("/live")).text()
        russian = await (await http.get("/live", headers={"Accept-Language": "ru"})).text()
        for name in ("invoice_created", "checkout_approved", "payment_completed"):
            assert name in text
        assert "Paid and recorded" in text
        assert "Оплачено и записано" in russian
        assert 'aria-live="off"' in text
        assert 'aria-pressed="false"' in text
        assert ">Load the newest</a>" in text


async def test_what_comes_is_told_once_though_it_gets_its_number_later(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor(EVIL)
        await shop.neonpay.setup()
        stream = Stream(await http.get("/live/events"))
        assert stream.answer.content_type == "text/event-stream"
        await shop.sells(ann)
        await stream.until("payment_completed")
        await shop.neonpay.books.seal()
        await shop.sells(ann)
        await shop.neonpay.books.seal()
        text = await stream.until("payment_completed", count=2)
        ids = IDS.findall(text)
        assert len(ids) == len(set(ids))
        assert "<script>" not in text
        stream.answer.close()


async def test_a_reader_who_comes_again_gets_what_came_meanwhile(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        await shop.neonpay.setup()
        first = Stream(await http.get("/live/events"))
        first.answer.close()
        await shop.sells(ann)
        again = Stream(await http.get("/live/events"))
        await again.until("payment_completed")
        again.answer.close()


@pytest.mark.parametrize("by_header", [True, False])
async def test_who_comes_again_after_many_events_misses_none(
    shop: Shop, served: Served, query: Callable[[sa.Select[Any]], Any], *, by_header: bool
) -> None:
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann", stars=10_000)
        await shop.sells(ann)
        had = re.findall(r'data-id="([^"]+)"', await (await http.get("/live")).text())
        for _ in range(20):
            await shop.sells(ann)
        await shop.neonpay.books.seal()
        missed = {row[0] for row in await query(sa.select(events.c.event_id))} - set(had)
        assert len(missed) > SHOWN
        asked = {"headers": {"Last-Event-ID": had[0]}} if by_header else {"params": {"last": had[0]}}
        stream = Stream(await http.get("/live/events", **asked))  # type: ignore[arg-type]
        assert missed <= set(IDS.findall(await stream.until("id: ", count=len(missed))))
        stream.answer.close()


async def test_one_look_serves_all_and_nobody_looks_when_nobody_listens(shop: Shop) -> None:
    app = create_dashboard_app(shop.neonpay, patience_s=60.0)
    async with shop.polling(), serving(app, port=0) as url, browser(url) as http:
        await shop.neonpay.setup()
        assert not app[FEED].is_looking
        streams = [Stream(await http.get("/live/events")) for _ in range(3)]
        await shop.sells(await shop.visitor("Ann"))
        for stream in streams:
            await stream.until("payment_completed")
        assert app[FEED].is_looking
        for stream in streams:
            stream.answer.close()
        async with asyncio.timeout(100):
            while app[FEED].is_looking:
                await shop.sells(
                    await shop.visitor("Ben")
                )  # a stream learns that its reader has gone when it tells something


async def test_who_comes_later_takes_no_news_from_those_who_watch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed.Feed.__init__, "__kwdefaults__", {"every_s": 3600.0})
    app = create_dashboard_app(shop.neonpay, patience_s=60.0)
    async with shop.polling(), serving(app, port=0) as url, browser(url) as http:
        await shop.neonpay.setup()
        first = Stream(await http.get("/live/events"))
        await first.until(": here")
        await shop.sells(await shop.visitor("Ann"))
        later = Stream(await http.get("/live/events"))
        await later.until("payment_completed")
        await app[FEED].look()
        await first.until("payment_completed")
        await shop.sells(await shop.visitor("Ben"))
        await app[FEED].look()
        for stream in (first, later):
            ids = IDS.findall(await stream.until("payment_completed", count=2))
            assert len(ids) == len(set(ids))
            stream.answer.close()


async def test_streams_end_with_the_dashboard(shop: Shop) -> None:
    async with shop.polling(), aiohttp.ClientSession() as http:
        await shop.neonpay.setup()
        async with serving(create_dashboard_app(shop.neonpay, patience_s=60.0), port=0) as url:
            stream = Stream(await http.get(f"{url}live/events"))
            await stream.until(": here")
            ends = asyncio.ensure_future(stream.answer.content.read())
            await shop.sells(await shop.visitor("Ann"))
            assert not ends.done()
        async with asyncio.timeout(100):
            await ends


async def test_a_slow_reader_is_let_go_and_too_many_are_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 1)
    app = create_dashboard_app(shop.neonpay, patience_s=60.0)
    async with shop.polling(), serving(app, port=0) as url, browser(url) as http:
        await shop.neonpay.setup()
        stream = Stream(await http.get("/live/events"))
        await stream.until(": here")
        assert (await http.get("/live/events")).status == 503
        (listener,) = app[FEED]._listeners  # noqa: SLF001
        while not listener.waiting.full():
            listener.waiting.put_nowait([])
        app[FEED]._tell(listener, [object()])  # type: ignore[list-item]  # noqa: SLF001
        assert listener.is_let_go.is_set()
        async with asyncio.timeout(100):
            await stream.answer.content.read()


async def test_nonsense_finds_nothing(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        for path in ("/live?bot=1", "/live/events?bot=1", "/live/x", "/live/events/1"):
            assert (await http.get(path)).status == 404


async def test_a_stream_ends_when_its_reader_may_not_look_any_more(
    shop: Shop, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_BEAT_S", 0.02)
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "vic", Role.VIEWER)
        await send(http, "/login", name="vic", password=PASSWORD)
        answer = await http.get("/live/events")
        await Stream(answer).until(": beat")
        await shop.neonpay.program.pipeline.ledger.run(remove_account, "vic")
        async with asyncio.timeout(100):
            await answer.content.read()
    assert answer.content.at_eof()


async def test_a_burst_of_readers_takes_no_more_places_than_there_are(
    shop: Shop, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 2)
    async with shop.polling(), served() as http:
        answers = await asyncio.gather(*[http.get("/live/events") for _ in range(6)])
        assert sorted(answer.status for answer in answers) == [200, 200, 503, 503, 503, 503]
        for answer in answers:
            answer.close()
