"""``neonpay analytics`` and ``neonpay multi-analytics``: the guide's commands, over the ledger."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from typer.testing import CliRunner

from neonpay.analytics.managers import MultiBotAnalyticsManager
from neonpay.cli.main import app
from neonpay.core.clock import SystemClock
from neonpay.ledger import open_ledger
from neonpay.ledger.tables_collection import collected_bots

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.busy import Busy
    from tests.integration.cli.conftest import Command


def typed(url: str, *arguments: str) -> str:
    done = CliRunner().invoke(
        app, [*arguments, "--database", url], env={"NEONPAY_BOT_TOKEN": None, "NEONPAY_BOT_ID": None}
    )
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_the_figures_are_those_of_revenue_in_each_shape(busy: Busy) -> None:
    when = ("--period", "30days", "--until", "2125-11-30")
    sold = json.loads(typed(busy.url, "revenue", "--since", "2125-10-31", "--until", "2125-11-30", "--json"))
    report = json.loads(typed(busy.url, "analytics", *when, "--json"))
    assert report["revenue"]["total"] == sold["total"]["net_stars"] == 10_375
    assert (report["revenue"]["transactions"], report["users"]["total_active_users"]) == (8, 3)
    exported = json.loads(typed(busy.url, "analytics", "--export", *when))
    assert {**exported, "generated_at": ""} == {**report, "generated_at": ""}
    rows = list(csv.DictReader(io.StringIO(typed(busy.url, "analytics", "--format", "csv", *when))))
    assert {"section": "revenue", "item": "", "figure": "total", "value": "10375"} in rows
    network = json.loads(typed(busy.url, "multi-analytics", "network", "--format", "json", *when))
    assert network["network"]["total_revenue"] == 10_375
    assert sum(bot["total_revenue"] for bot in network["bots"].values()) == 10_375
    # What is said of all bots is all of them, and a period that ends now has none of next century's payments.
    assert json.loads(typed(busy.url, "analytics", "--summary", "--format", "json"))["revenue"]["total"] == 0


async def test_a_report_goes_into_a_file_of_its_own(neonpay: Command, tmp_path: Path) -> None:
    for command in (
        ("analytics", "--export", "--format", "json"),
        ("multi-analytics", "export", "--format", "json"),
    ):
        file = tmp_path / "analytics.json"
        done = await neonpay(*command, "--period", "30days", "--output", str(file))
        assert (done.exit_code, done.stdout, done.stderr) == (0, f"The report is in {file}.\n", "")
        assert json.loads(file.read_text())["period"]["days"] == 30
        assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600


async def test_a_bot_is_found_by_what_it_is_registered_as(neonpay: Command, database_url: str) -> None:
    with MultiBotAnalyticsManager(database_url=database_url) as network:
        network.register_bot("store_bot", "Main Store Bot")
        network.track_event("payment_completed", "store_bot", 1, amount=100, product_id="vip")
    for word in ("store_bot", "@STORE_BOT", "Main Store Bot"):
        found: Any = await neonpay.json("multi-analytics", "bot", word, "--period", "7days")
        assert (found["bot"]["bot_name"], found["bot"]["total_revenue"]) == ("Main Store Bot", 100)
    [far, own] = sorted(await neonpay.json("multi-analytics", "status"), key=lambda one: str(one["source"]))
    assert (far["bot_id"], far["events_30_days"], own["source"]) == ("store_bot", 1, "ledger")
    assert SystemClock().now_us() / 1_000_000 - far["last_activity"] < 3600


IN_THE_WAY = (
    ("analytics --period 5weeks", "such as --period 30days"),
    ("analytics --period 0days", "such as --period 30days"),
    ("analytics --export --format table", "--format json or csv"),
    ("analytics --json --format csv", "leave one of them out"),
    ("analytics --zone Mars/Base", "Europe/Berlin"),
    ("analytics --output /nowhere/at/all.json", "name another one in --output"),
    ("analytics --database sqlite:////nowhere.db", "/nowhere.db"),
    ("multi-analytics bot ghost", "there is no bot 'ghost'; there are: "),
    ("multi-analytics export --format table", "neonpay multi-analytics network"),
)


async def test_what_is_in_the_way_is_told_in_one_line_that_says_what_to_type(neonpay: Command) -> None:
    for typed_line, says in IN_THE_WAY:
        done = await neonpay(*typed_line.split())
        assert (done.exit_code, done.stdout) == (3, ""), typed_line
        assert says in done.stderr, typed_line
        assert len(done.stderr.splitlines()) == 1, typed_line


async def test_a_dashboard_that_is_to_write_a_report_as_well_is_not_started(neonpay: Command) -> None:
    for more in (["--summary"], ["--export"], ["--json"], ["--format", "csv"], ["--output", "x.json"]):
        done = await neonpay("analytics", "--start-dashboard", "--port", "0", *more)
        assert (done.exit_code, done.stdout) == (3, "")
        assert "--start-dashboard serves until Ctrl-C and writes no report" in done.stderr


async def test_a_name_that_a_bot_has_sent_moves_no_cursor(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'centre.db'}"
    ledger = open_ledger(url)
    row = {"bot_id": 2**62 + 1, "alias": "far", "name": "Far\x1b[2J\x07", "first_at": 1, "seen_at": 1}
    row |= {"events": 0, "repeated": 0, "moved": 0}
    await ledger.run(lambda transaction: transaction.connection.execute(sa.insert(collected_bots), row).rowcount)
    await ledger.close()
    for word in (str(2**40), "Far\x1b[2J\x07"):
        typed = ["multi-analytics", "bot", word, "--database", url]
        shown = await asyncio.to_thread(CliRunner().invoke, app, typed, color=True)
        assert "far (Far [2J" in shown.output.replace("Bot ", "")
        assert "\x1b" not in shown.output
