"""/metrics tells what the ledger and the loops of the process say, to those who may read it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from neonpay import ConfigurationError, PaymentResult
from neonpay.core.checkout import CheckoutRefused
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import duties, events, jobs
from neonpay.monitoring import event_counts
from neonpay.monitoring.metrics import METRICS
from neonpay.monitoring.monitor import Monitor
from neonpay.monitoring.settings import MonitoringSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop


async def figures(session: aiohttp.ClientSession) -> dict[tuple[str, ...], float]:
    """Samples by their name and the values of their labels after the bot."""
    answer = await session.get("metrics")
    assert answer.status == 200, await answer.text()
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(await answer.text()):
        for sample in family.samples:
            found[sample.name, *[value for name, value in sample.labels.items() if name != "bot_id"]] = sample.value
    return found


async def change(database_url: str, *statements: sa.Executable) -> None:
    def unit(transaction: Transaction) -> None:
        for statement in statements:
            transaction.connection.execute(statement)

    ledger = open_ledger(database_url)
    try:
        await ledger.run(unit)
    finally:
        await ledger.close()


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEONPAY_MONITORING_CACHE_S", "0")


async def test_metrics_say_what_the_ledger_has(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, clock: MovableClock
) -> None:
    at_once(monkeypatch)

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    @shop.neonpay.on_pre_checkout
    async def refuse(context: Any) -> None:
        if context.user_id == bob.id:
            raise CheckoutRefused("Not you", reason="Bob Smith, again")

    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        outcomes = [await shop.sells(ann) for _ in range(3)]
        for outcome in outcomes:
            await shop.delivers(outcome)
        await shop.sells(bob)
        await shop.neonpay.refund(outcomes[0].charge_id or "")
        await shop.fact("payment_refunded")
        found = await figures(http)
        while not (found["neonpay_deliveries_total",] == 3 and found["neonpay_refunds_total",]):
            clock.advance(60)  # events are numbered by a task that comes round
            found = await figures(http)
        text = await (await http.get("metrics")).text()
    # What begins at 1 is no increase for Prometheus, and the first of a kind would wake nobody.
    assert (found["neonpay_checkouts_total", "declined", "too_slow"], found["neonpay_payments_total", "renewal"]) == (
        0,
        0,
    )
    assert found["neonpay_payments_total", "one_off"] == 3
    assert found["neonpay_payment_stars_total", "one_off"] == 150
    assert found["neonpay_checkouts_total", "approved", ""] == 3
    assert found["neonpay_checkouts_total", "declined", "other"] == 1, "what hooks say is no label"
    assert found["neonpay_refunded_stars_total",] == 50
    assert found["neonpay_invoices_total",] == 4
    assert (found["neonpay_ledger_up",], found["neonpay_open",]) == (1, 1)
    assert found["neonpay_loop_up", "jobs"] == 1
    for person in (str(ann.id), str(bob.id), "Ann", "Bob", outcomes[0].charge_id or ""):
        assert person not in text


async def test_an_event_is_counted_once_however_often_and_in_whichever_pieces_it_is_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, query: Callable[..., Any], clock: MovableClock
) -> None:
    monkeypatch.setattr(event_counts, "AT_A_TIME", 2)
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    async with shop.polling():
        for _ in range(2):
            await shop.delivers(await shop.sells(await shop.visitor()))
        while [row for row in await query(sa.select(events.c.number)) if row[0] is None]:
            clock.advance(60)
        monitor = Monitor([shop.neonpay.program], MonitoringSettings(cache_s=0))
        for _ in range(3):
            snapshot = await monitor.look()
    ((_, counts),) = snapshot.counts
    assert dict(counts.items())["neonpay_payments_total", ("one_off",)] == 2
    assert (counts.behind, dict(counts.items())["neonpay_invoices_total", ()]) == (0, 2)


async def test_those_who_ask_soon_after_one_another_share_a_reading(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.neonpay:
        monitor = Monitor([shop.neonpay.program], MonitoringSettings(cache_s=60))
        first = await monitor.look()
        assert await monitor.look() is first


async def test_figures_are_for_this_machine_or_for_who_has_the_token(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEONPAY_MONITORING_TOKEN", "s3same")
    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        for headers, status in (
            ({}, 200),
            ({"X-Forwarded-For": "203.0.113.9"}, 401),
            ({"Forwarded": "for=203.0.113.9"}, 401),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer s3same"}, 200),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer s3sam"}, 401),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Basic s3same"}, 401),
            ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer \udcff"}, 401),
            ({"Host": "foreign.example"}, 401),  # a page's own name that leads here, or a proxy that says nothing
            ({"Host": "foreign.example", "Authorization": "Bearer s3same"}, 200),
        ):
            answer = await http.get("metrics", headers=headers)
            assert answer.status == status, headers
            assert "s3same" not in await answer.text()
        told = await (await http.get("readyz", headers={"Via": "1.1 proxy"})).json()
        assert told == {"ready": True}, "others hear no reasons"


async def test_without_a_token_a_proxy_brings_nobody_to_the_figures(shop: Shop) -> None:
    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        headers = {"X-Forwarded-For": "127.0.0.1", "Authorization": "Bearer "}
        assert (await http.get("metrics", headers=headers)).status == 401


async def test_a_proxy_that_says_nothing_of_itself_brings_nobody_to_the_figures(shop: Shop) -> None:
    """nginx, as it comes, asks by HTTP/1.0 under the address that it was given."""
    async with (
        shop.polling(),
        shop.neonpay.serve_health(port=0) as server,
        aiohttp.ClientSession(server.url, version=aiohttp.HttpVersion10) as http,
    ):
        assert (await http.get("metrics")).status == 401


async def test_a_shop_is_ready_until_something_is_in_the_way(
    shop: Shop, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch)
    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        assert (await (await http.get("readyz")).json()) == {"ready": True, "reasons": []}
        bot_id = shop.neonpay.program.adapter.bot_id
        memo = '{"balance":0,"compared_us":1}'
        dead = [
            {
                "bot_id": bot_id,
                "event_id": f"e{n}",
                "consumer": "on_payment:x",
                "state": "dead",
                "attempts": 1,
                "run_at": 1,
            }
            for n in range(11)
        ]
        await change(
            database_url,
            sa.delete(duties).where(duties.c.name == "reconcile"),
            sa.insert(duties).values(bot_id=bot_id, name="reconcile", run_at=9 * 10**15, position=0, memo=memo),
            sa.insert(jobs).values(dead),
        )
        answer = await http.get("readyz")
        told = await answer.json()
        found = await figures(http)
    assert answer.status == 503
    assert [(one["reason"], one["bot_id"]) for one in told["reasons"]] == [
        ("reconciliation", bot_id),
        ("dead_letters", bot_id),
    ]
    assert found["neonpay_jobs_dead",] == 11
    assert found["neonpay_reconciliation_age_seconds",] > 10**6


async def test_a_shop_whose_ledger_does_not_answer_is_not_ready_and_its_metrics_say_so(
    shop: Shop, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch)
    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        await change(database_url, sa.text("ALTER TABLE neonpay_duties RENAME TO taken_away"))
        answer = await http.get("readyz")
        told, found = await answer.json(), await figures(http)
        await change(database_url, sa.text("ALTER TABLE taken_away RENAME TO neonpay_duties"))
    assert (answer.status, [one["reason"] for one in told["reasons"]]) == (503, ["ledger"])
    assert (found["neonpay_ledger_up",], found["neonpay_open",]) == (0, 1)
    assert "taken_away" not in str(told)
    assert "duties" not in str(told)


async def test_a_server_that_is_awaited_serves_until_it_is_closed(shop: Shop) -> None:
    async with shop.polling(), aiohttp.ClientSession() as http:
        server = await shop.neonpay.serve_health(port=0)
        url = server.url
        answer = await http.get(f"{url}healthz")
        assert (answer.status, (await answer.json())["ok"]) == (200, True)
        with pytest.raises(ConfigurationError, match="port=0 picks a free one"):
            await shop.neonpay.serve_health(port=int(url.rsplit(":", 1)[1].rstrip("/")))
        await server.close()
        await server.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{url}healthz")
        with pytest.raises(ConfigurationError, match="serves nothing"):
            _ = server.url


async def test_every_metric_is_given_with_its_labels_and_its_words(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        text = await (await http.get("metrics")).text()
        modern = await http.get("metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.documentation, family.type) == (metric.help, str(metric.kind))
        for sample in family.samples:
            assert set(sample.labels) == set(metric.labels)
    assert modern.content_type == "application/openmetrics-text"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="NOT TESTED: promtool, of Prometheus, is not installed")
async def test_prometheus_own_tool_has_nothing_to_say_about_what_is_told(shop: Shop) -> None:
    shop.neonpay.on_payment(name="deliver")(_deliver)
    async with shop.polling(), shop.neonpay.serve_health(port=0) as server, aiohttp.ClientSession(server.url) as http:
        await shop.sells(await shop.visitor())
        told = await (await http.get("metrics")).read()
    done = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=told, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


async def _deliver() -> None:
    pass
