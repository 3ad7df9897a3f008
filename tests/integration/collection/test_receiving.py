"""A centre keeps what bots send, once, and takes nothing from strangers."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.collection.figures import DAY_US, BotStatus, daily, of_bot
from neonpay.core.clock import moment
from neonpay.core.webhook_signing import new_secret
from neonpay.ledger import Transaction, open_ledger
from neonpay.store.signing_keys import insert_key
from neonpay.tracking import SoftEvent, write_soft

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.integration.collection.conftest import Served
    from tests.integration.conftest import MovableClock

    Centres = Callable[..., AbstractAsyncContextManager[Served]]


DAY_S = DAY_US // 1_000_000


async def figures(served: Served, query: str = "") -> dict[str, Any]:
    status, told = await served.get(f"/analytics/query{query}")
    assert status == 200, told
    return dict(told)


async def test_a_batch_is_kept_once_however_often_it_is_sent(centre_of: Centres) -> None:
    async with centre_of() as served:
        batch = served.batch(
            served.event("a"),
            served.event("b", kind="payment_completed", stars=50, user_id=8),
            bot_id="store_bot",
            bot_name="Main Store",
        )
        assert await served.send(batch) == (200, {"received": 2, "new": 2, "moved": 0, "forgotten": 0, "beside": 0})
        assert await served.send(batch) == (200, {"received": 2, "new": 0, "moved": 0, "forgotten": 0, "beside": 0})
        assert await served.send(served.batch(served.event("a"))) == (
            200,
            {"received": 1, "new": 1, "moved": 0, "forgotten": 0, "beside": 0},
        )
        found = await figures(served, "?bot_id=store_bot")
        (bot,) = found["bots"]
        status, told = await served.get("/analytics/status")
    assert (bot["alias"], bot["name"], bot["events"], bot["people"], bot["revenue_stars"]) == (
        "store_bot", "Main Store", 2, 2, 50,
    )  # fmt: skip
    assert bot["events_by_kind"] == {"payment_completed": 1, "user_started": 1}
    assert status == 200
    assert [(one["alias"], one["events"], one["repeated"]) for one in told["bots"]] == [
        (None, 1, 0),
        ("store_bot", 2, 2),
    ]


async def test_one_event_is_kept_before_it_is_answered(centre_of: Centres) -> None:
    async with centre_of() as served:
        batch = served.batch(served.event("a"))
        (batch["event"],) = batch.pop("events")
        assert (await served.send(batch, path="realtime"))[1]["new"] == 1
        assert (await figures(served))["events"] == 1


async def test_a_forged_an_unsigned_and_an_old_batch_are_refused(centre_of: Centres) -> None:
    async with centre_of() as served:
        batch = served.batch(served.event("a"))
        now_s = served.clock.now_us() // 1_000_000
        for refused in (
            await served.send(batch, secret=new_secret(lambda n: b"x" * n)),
            await served.send(batch, secret=None),
            await served.send(batch, at_s=now_s - 301),
            await served.send(batch, at_s=now_s + 301),
        ):
            assert refused[0] == 401, refused
        assert (await figures(served))["bots"] == []


async def test_this_machine_needs_no_secret_where_none_is_set(centre_of: Centres) -> None:
    async with centre_of(webhook_secret=None) as served:
        batch = served.batch(served.event("a"))
        assert (await served.send(batch, secret=None))[0] == 200
        for name in ("X-Forwarded-For", "Forwarded", "Via"):
            assert (await served.send(batch, secret=None, **{name: "for=203.0.113.9"}))[0] == 401
        assert (await served.send(batch, secret=None, Host="evil.example"))[0] == 401
        assert (await served.send(batch, secret=None, Origin="https://evil.example"))[0] == 403


async def test_a_bot_may_use_any_name_of_the_centre_when_it_signs(centre_of: Centres) -> None:
    async with centre_of() as served:
        assert (await served.send(served.batch(served.event("a")), Host="centre:8081"))[0] == 200
        async with served.session.get("/", headers={"Host": "centre:8081"}) as page:
            assert page.status == 403


async def test_figures_are_for_who_is_signed_in_or_has_the_token(centre_of: Centres) -> None:
    async with centre_of(names=["shop.example"], token="t0ken") as served:
        for path in ("query", "export", "status"):
            assert (await served.get(f"/analytics/{path}"))[0] == 401
            assert (await served.get(f"/analytics/{path}", Authorization="Bearer wrong"))[0] == 401
            assert (await served.get(f"/analytics/{path}", Authorization="Bearer t0ken"))[0] == 200
        assert await served.get("/health") == (200, {"ok": True})


AT = b'"2026-09-21T14:13:20Z"'
WELL = b'{"bot_id":1,"sent_at":' + AT + b',"events":[{"event_id":"a","kind":"k","at":' + AT + b"}]}"
NO_BATCHES = [
    b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, WELL + b"x",
    *[
        WELL.replace(b'"kind":"k"', b'"kind":"k",' + more)
        for more in (
            b'"stars":"boom"', b'"stars":9223372036854775808', b'"stars":1.5', b'"price":5', b'"user_id":true',
            b'"subject":"a\\u0000"', b'"source":"\\ud800"', b'"subject":""', b'"data":{"at_told":"x"}', b'"data":[]',
            b'"data":{"long":"' + b"x" * 4100 + b'"}', b'"data":{"n":1e999}',
            b'"data":{"deep":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
            b'"data":{"deep":' + b"[" * 900 + b"]" * 900 + b',"half":"\\ud800"}',
        )
    ],
    WELL.replace(b'"bot_id":1', b'"bot_id":0'), WELL.replace(b'"bot_id":1', b'"bot_id":""'),
    WELL.replace(b'"bot_id":1', b'"bot_id":4503599627370497'), WELL.replace(b"20Z", b"20"),
    WELL.replace(b'"sent_at"', b'"sent_by"'), WELL[: WELL.index(b"[")] + b"[]}",
]  # fmt: skip


async def test_a_batch_that_is_none_is_refused_as_a_whole(centre_of: Centres) -> None:
    async with centre_of() as served:
        for body in NO_BATCHES:
            status, told = await served.send(body, is_packed=False)
            assert (status, told.get("error")) == (400, "invalid"), (body[:200], told)
        assert (await figures(served))["bots"] == []
        assert (await served.send(WELL, is_packed=False))[0] == 200


async def test_what_is_packed_is_unpacked_no_further_than_a_batch_may_be_long(centre_of: Centres) -> None:
    async with centre_of() as served:
        bomb = gzip.compress(b" " * (8 * 1024 * 1024 + 1))
        assert (await served.send(bomb))[0] == 413
        assert (await served.send(gzip.compress(b"{}") + b"more"))[0] == 400
        assert (await served.send(gzip.compress(b"{}")[:-1]))[0] == 400
        assert (await served.send(b"{}"))[0] == 400
        too_long = served.batch(*[served.event(str(number), data={"x": "y" * 1500}) for number in range(700)])
        assert (await served.send(too_long, is_packed=False))[0] == 413
        assert (await served.send(bomb, **{"Content-Encoding": "gzip"}))[0] == 415
        assert (await served.send(b"{}", **{"Content-Type": "text/plain"}))[0] == 415


async def test_what_is_far_from_now_gets_a_time_of_the_centre_and_a_mark(centre_of: Centres) -> None:
    async with centre_of() as served:
        now = moment(served.clock.now_us())
        late = served.batch(served.event("yesterday", at=(now - timedelta(days=1)).isoformat()))
        assert (await served.send(late))[1]["moved"] == 0
        ahead = served.batch(served.event("ahead", at=(now + timedelta(days=1)).isoformat()))
        assert (await served.send(ahead))[1]["moved"] == 1
        old = served.batch(served.event("old", at="0001-01-01T00:00:00+14:00"), sent_at="9999-12-31T23:59:59-14:00")
        assert (await served.send(old))[1]["moved"] == 1
        # A clock that is three hours ahead: what it did an hour before it sent was an hour ago.
        three = timedelta(hours=3)
        told = served.batch(
            served.event("wrong", at=(now + three - timedelta(hours=1)).isoformat()), sent_at=(now + three).isoformat()
        )
        assert (await served.send(told))[1]["moved"] == 1
        status, rows = await served.get("/analytics/export?format=json&days=30")
    assert status == 200
    assert sum(row["events"] for row in rows) == 4
    assert {row["day"] for row in rows} == {now.date().isoformat(), (now - timedelta(days=1)).date().isoformat()}


async def test_a_query_about_nobody_makes_nobody(centre_of: Centres) -> None:
    async with centre_of() as served:
        for path in ("query", "export"):
            status, told = await served.get(f"/analytics/{path}?bot_id=ghost")
            assert (status, told["error"]) == (404, "no_such_bot")
        assert (await served.get("/analytics/query?days=abc"))[0] == 400
        assert (await served.get("/analytics/query?days=401"))[0] == 400
        assert (await served.get("/analytics/query?bot_id=-5"))[0] == 404
        assert (await served.get("/analytics/export?format=xml"))[0] == 400
        assert (await served.get("/analytics/status"))[1]["bots"] == []


async def test_whatever_is_asked_of_a_centre_wrongly_is_answered_as_programs_read_it(centre_of: Centres) -> None:
    async with centre_of(names=["shop.example"]) as served:
        for method, path, status, error, allow in (
            ("GET", "/analytics/collect", 405, "method", "POST"),
            ("DELETE", "/analytics/realtime", 405, "method", "POST"),
            ("POST", "/analytics/query", 405, "method", "GET,HEAD"),
            ("PUT", "/health", 405, "method", "GET,HEAD"),
            ("GET", "/analytics/collect/", 404, "no_such_path", None),
            ("GET", "/analytics/", 404, "no_such_path", None),
            ("POST", "/analytics/colect", 404, "no_such_path", None),
        ):
            async with served.session.request(method, path, allow_redirects=False) as answer:
                told = await answer.json()
                assert (answer.status, told["error"], answer.headers.get("Allow")) == (status, error, allow), path
                assert answer.status == 404 or all(one in told["message"] for one in (allow or "").split(",")), told
        async with served.session.post("/analytics/collect", headers={"Origin": "https://evil.example"}) as answer:
            assert (answer.status, (await answer.json())["error"]) == (403, "foreign_page")
        async with served.session.get("/else", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_what_is_older_than_its_kind_is_kept_goes(centre_of: Centres, monkeypatch: pytest.MonkeyPatch) -> None:
    async with centre_of() as served:
        now = moment(served.clock.now_us())
        await served.send(
            served.batch(served.event("new"), served.event("old", at=(now - timedelta(days=8)).isoformat()))
        )
        assert (await figures(served))["events"] == 2
    monkeypatch.setenv("NEONPAY_TRACKING_KEEP_DAYS", "7")
    async with centre_of() as served:
        while (await figures(served))["events"] > 1:
            assert (await served.get("/health"))[0] == 200
        assert (await figures(served))["bots"][0]["people"] == 1


async def test_the_dashboard_has_a_page_of_the_bots_that_report(centre_of: Centres) -> None:
    async with centre_of() as served:
        assert "No bot has sent anything yet." in (await served.get("/centre/"))[1]
        paid = served.event("b", kind="payment_completed", stars=1250)
        await served.send(served.batch(served.event("a"), paid, bot_name="<b>Main</b>"))
        status, text = await served.get("/centre/", **{"Accept-Language": "ru"})
        assert 'href="/centre/"' in (await served.get("/"))[1]
        assert (await served.get("/bots"))[0] == 200
    assert status == 200
    assert "&lt;b&gt;Main&lt;/b&gt;" in text
    assert "<b>Main" not in text
    assert ">1,250<" in text
    assert "Боты, которые сообщают сюда" in text


async def test_the_page_is_behind_the_door(centre_of: Centres) -> None:
    async with (
        centre_of(names=["shop.example"]) as served,
        served.session.get("/centre/", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_an_export_for_a_spreadsheet_holds_no_formula(centre_of: Centres) -> None:
    async with centre_of() as served:
        await served.send(served.batch(served.event("a", kind="=cmd()"), bot_name="=SUM(A1)"))
        status, text = await served.get("/analytics/export?format=csv")
    assert status == 200
    assert ",'=SUM(A1),'=cmd(),1,1,0" in text


async def test_off_this_machine_a_secret_is_made_kept_and_told_once(centre_of: Centres) -> None:
    async with centre_of(webhook_secret=None, host="0.0.0.0") as served:  # noqa: S104  # as the guide has it
        batch = served.batch(served.event("a"))
        assert (await served.send(batch, secret=None))[0] == 401
        (line,) = [line for text in served.told for line in text.splitlines() if "whsec_" in line]
        secret = line.partition('secret="')[2].partition('"')[0]
        assert (await served.send(batch, secret=secret))[0] == 200
    async with centre_of(webhook_secret=None, host="0.0.0.0") as served:  # noqa: S104
        assert not any("whsec_" in text for text in served.told)
        assert (await served.send(batch, secret=secret))[0] == 200
        assert (await served.send(batch, secret=None))[0] == 401


async def test_a_centre_that_keeps_nothing_says_that_its_secret_goes_with_it(centre_of: Centres) -> None:
    async with centre_of(webhook_secret=None, host="0.0.0.0", database_url=None) as served:  # noqa: S104
        (text,) = [text for text in served.told if "whsec_" in text]
    assert "another one is made at each start" in text
    assert 'run_analytics_server(database_url="sqlite:///centre.db")' in text
    assert "is not shown again" not in text


async def test_a_ledger_that_once_made_a_secret_takes_nothing_unsigned(
    centre_of: Centres,
) -> None:
    async with centre_of(webhook_secret=None, host="0.0.0.0"):  # noqa: S104 - so that it makes a secret
        pass
    async with centre_of(webhook_secret=None) as centre:
        status, _ = await centre.send(centre.batch(centre.event("e1")), secret=None)
    assert status == 401


async def test_nobody_speaks_unsigned_for_a_bot_that_sells_on_the_ledger(centre_of: Centres, database_url: str) -> None:
    ledger = open_ledger(database_url)
    await ledger.run(insert_key, 42, 1, lambda n: b"k" * n, key_id="first")
    await ledger.close()
    async with centre_of(webhook_secret=None) as served:
        erased = served.event("e1", kind="person_erased")
        assert (await served.send(served.batch(erased), secret=None))[0] == 403
        assert (await served.send(served.batch(erased, bot_id=43), secret=None))[0] == 200


async def test_who_is_forgotten_comes_back_by_nothing_but_what_they_do_afterwards(centre_of: Centres) -> None:
    async with centre_of() as served:
        told = served.batch(
            served.event("a"),
            served.event("never", at="1960-01-01T00:00:00Z"),
            served.event("b", kind="payment_completed", stars=50, source="ad"),
        )
        late = served.batch(served.event("late"), served.event("c", kind="payment_completed", stars=20))
        assert (await served.send(told))[0] == 200
        served.clock.advance(60)
        erased = served.batch(served.event("gone", kind="person_erased"))
        assert (await served.send(erased))[1]["new"] == 1
        assert (await served.send(erased))[1]["new"] == 0
        served.clock.advance(60)
        again = await served.send(told)
        came_late = await served.send(late)
        refunded = served.event("d", kind="payment_refunded", stars=-50)
        assert (await served.send(served.batch(refunded)))[1]["forgotten"] == 0
        nobody = (await figures(served))["bots"][0]
        assert (await served.send(served.batch(served.event("back"))))[1]["new"] == 1
        assert (await served.send(erased))[1]["new"] == 0
        somebody = (await figures(served))["bots"][0]
        (bot,) = (await served.get("/analytics/status"))[1]["bots"]
    assert again == (200, {"received": 3, "new": 0, "moved": 1, "forgotten": 2, "beside": 0})
    assert came_late == (200, {"received": 2, "new": 1, "moved": 0, "forgotten": 1, "beside": 0})
    assert (nobody["people"], nobody["revenue_stars"]) == (0, 20)
    assert nobody["events_by_kind"] == {"payment_completed": 2, "payment_refunded": 1}
    assert (somebody["people"], somebody["revenue_stars"]) == (1, 20)
    assert (bot["events"], bot["repeated"]) == (6, 3)


async def test_payments_that_a_bot_sends_from_its_ledger_count_once_whoever_else_tells_of_them(
    centre_of: Centres,
) -> None:
    async with centre_of() as served:
        paid = {"kind": "payment_completed", "stars": 50}
        before = served.event("long ago", **paid)
        assert (await served.send(served.batch(before)))[1]["new"] == 1
        says = served.event("s", kind="ledger_tells", user_id=None)
        assert (await served.send(served.batch(says)))[1]["new"] == 0
        started = served.event("c", kind="payment_started")
        told = served.batch(served.event("by the handler", **paid), served.event("b"), started)
        assert (await served.send(told))[1]["beside"] == 2
        fact = served.batch(served.event("fact", **paid, data={"of_ledger": True}))
        assert (await served.send(fact))[1]["new"] == 1
        assert (await served.send(served.batch(served.event("other", **paid), bot_id="other")))[1]["new"] == 1
        found = await figures(served, "?bot_id=42")
        status = (await served.get("/analytics/status"))[1]["bots"][0]
    assert (found["revenue_stars"], found["events"]) == (100, 3)
    assert (status["events"], status["repeated"]) == (3, 0)


async def test_a_bot_that_has_left_its_ledger_says_so_and_is_believed_at_once(centre_of: Centres) -> None:
    paid = {"kind": "payment_completed", "stars": 50}
    async with centre_of() as served:

        async def ledger_at() -> object:
            return (await served.get("/analytics/status"))[1]["bots"][0]["ledger_at"]

        fact = served.event("fact", **paid, data={"of_ledger": True})
        assert (await served.send(served.batch(fact)))[1]["new"] == 1
        assert await ledger_at() is not None
        left = served.batch(served.event("l", kind="ledger_left", user_id=None), served.event("told", **paid))
        assert (await served.send(left))[1] == {"received": 2, "new": 1, "moved": 0, "forgotten": 0, "beside": 0}
        assert (await served.send(left))[1]["new"] == 0
        assert (await served.send(served.batch(served.event("next", **paid))))[1]["beside"] == 0
        assert await ledger_at() is None
        both = served.batch(
            served.event("l", kind="ledger_left"), served.event("s", kind="ledger_tells"), served.event("x", **paid)
        )
        assert (await served.send(both))[1]["beside"] == 1
        (bot,) = (await figures(served))["bots"]
        (known,) = (await served.get("/analytics/status"))[1]["bots"]
    assert (bot["revenue_stars"], bot["events_by_kind"]) == (150, {"payment_completed": 3})
    assert (known["events"], known["repeated"]) == (3, 1)


async def test_a_bot_whose_ledger_has_said_nothing_for_a_week_is_believed_again(
    centre_of: Centres, clock: MovableClock
) -> None:
    paid = {"kind": "payment_completed", "stars": 50}
    async with centre_of() as served:

        async def beside(name: str) -> object:
            return (await served.send(served.batch(served.event(name, **paid))))[1]["beside"]

        await served.send(served.batch(served.event("s", kind="ledger_tells", user_id=None)))
        for day in range(6):  # the bot goes on without its ledger
            clock.advance(DAY_S)
            assert await beside(f"day {day}") == 1
        await served.send(served.batch(served.event("fact", **paid, data={"of_ledger": True})))
        clock.advance(6 * DAY_S)
        assert await beside("six days after a fact") == 1
        clock.advance(DAY_S)
        assert await beside("a week after it") == 1  # until now nobody had heard the bot for so long
        assert await beside("a week after it, and heard meanwhile") == 0
        await served.send(served.batch(served.event("again", kind="ledger_tells", user_id=None)))
        assert await beside("its ledger tells again") == 1
        assert (await figures(served, "?bot_id=42"))["revenue_stars"] == 100


async def test_what_waited_while_the_centre_was_away_for_long_counts_once(
    centre_of: Centres, clock: MovableClock
) -> None:
    async with centre_of() as served:
        await served.send(served.batch(served.event("s", kind="ledger_tells", user_id=None)))
        clock.advance(30 * DAY_S)
        told = served.batch(served.event("waited", kind="payment_completed", stars=50))
        assert (await served.send(told))[1]["beside"] == 1


async def test_a_query_reads_no_more_of_a_bot_than_its_period(database_url: str, clock: MovableClock) -> None:
    now_us = clock.now_us()

    def fill(transaction: Transaction) -> None:
        for bot_id in (42, 43):
            told = [
                SoftEvent(
                    event_id=f"{bot_id}-{number}",
                    bot_id=bot_id,
                    kind=("user_started", "payment_completed")[number % 2],
                    at=moment(now_us - number * DAY_US // 20),
                    user_id=number,
                )
                for number in range(4_000)
            ]
            write_soft(transaction, told)
        if transaction.connection.dialect.name == "postgresql":  # whose plans need it; nobody does so for a SQLite file
            transaction.connection.exec_driver_sql("ANALYZE")

    def plans(transaction: Transaction) -> list[str]:
        connection = transaction.connection
        word = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        bot = BotStatus(
            bot_id=42, alias=None, name=None, first_at=moment(0), seen_at=moment(0), events=0, repeated=0, moved=0
        )
        asked: list[tuple[str, Any]] = []
        listening = (
            connection.engine,
            "before_cursor_execute",
            lambda _c, _k, text, values, *_: asked.append((text, values)),
        )
        sa.event.listen(*listening)
        try:
            found = of_bot(transaction, bot, now_us - DAY_US, now_us)
            rows = daily(transaction, bot, now_us - DAY_US, now_us)
        finally:
            sa.event.remove(*listening)
        assert (found.events, found.people, sum(int(str(row[5])) for row in rows)) == (20, 20, 20)
        explained = [connection.exec_driver_sql(f"{word} {text}", values) for text, values in asked]
        return ["\n".join(str(tuple(row)) for row in rows) for rows in explained]

    ledger = open_ledger(database_url, clock=clock)
    try:
        await ledger.run(fill)
        found = await ledger.run(plans)
    finally:
        await ledger.close()
    reading = [plan for plan in found if "at>?" in plan or "(at >= " in plan]
    assert len(reading) == 4, "\n---\n".join(found)
    for plan in reading:  # a range of the index for each kind, and not all that the bot has told
        ranges = plan.count("(bot_id=? AND kind=? AND at>? AND at<?)") + plan.count("(kind = ")
        assert ranges == plan.count("soft_events_by_kind") > 0, plan
        assert ranges == (plan.count("at>?") or plan.count("(at >= ")), plan
