"""The analytics chapters of the guide, run as they are written there, and the figures that they print."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import shlex
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from typer.testing import CliRunner

from neonpay import AnalyticsManager, MultiBotAnalyticsManager
from neonpay.cli.main import app
from neonpay.collection.serving import serving_centre
from neonpay.ledger import open_ledger
from neonpay.store.signing_keys import load_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from tests.integration.conftest import Shop

_TEXT = (Path(__file__).parent / "guide.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^## (.+?)\n\n```(python|shell)\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE)
GUIDE = {heading: text for heading, language, text in _BLOCKS if language == "python"}
TYPED = [
    line
    for _, language, text in _BLOCKS
    if language == "shell"
    for line in text.splitlines()
    if line.startswith("neonpay")
]


def test_the_guide_is_all_there() -> None:
    assert (len(GUIDE), len(TYPED), len(_BLOCKS)) == (16, 9, 19)


async def run(there: dict[str, Any], *headings: str, **instead: str) -> None:
    """Run blocks of the guide one after the other, with the centre of the test in place of the guide's."""
    for heading in headings:
        text = GUIDE[heading].replace("http://localhost:8081", instead.get("centre", "http://localhost:8081"))
        text = text.replace("port=8081", f"port={instead.get('port', '8081')}")
        code: CodeType = compile(text, heading, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        running = eval(code, there)  # noqa: S307  # the guide's own code
        if code.co_flags & inspect.CO_COROUTINE:
            await running


async def test_one_shop(capsys: pytest.CaptureFixture[str]) -> None:
    there: dict[str, Any] = {"json": json}
    await run(there, "Usage")
    assert (there["revenue_data"].total_revenue, there["conversion_data"].conversion_rate) == (100, 100.0)
    assert [product.product_id for product in there["product_data"]] == ["premium_access"]
    assert json.loads(capsys.readouterr().out) == there["report"]
    assert there["analytics"].cleanup_old_data() == 0


async def test_the_handler_of_the_complete_bot_tells_of_what_the_ledger_knows(shop: Shop) -> None:
    analytics = AnalyticsManager(enable_analytics=True)

    @shop.neonpay.on_payment
    async def handle_payment(result: Any) -> None:
        analytics.track_event("payment_completed", result.user_id, amount=result.amount, stage_id=result.stage_id)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
    revenue = analytics.get_revenue_analytics()
    assert revenue is not None
    assert (revenue.total_revenue, revenue.total_transactions) == (50, 1)


async def test_several_bots_and_their_centre(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    there: dict[str, Any] = {"time": time}
    await run(there, "After multi-bot analytics:")
    await run(there, "1. Centralized Analytics", "3. Detailed Bot Analytics")
    assert "Main Store Bot: 0 stars" in capsys.readouterr().out

    await run(there, "Step 2: Analytics Setup")
    told: list[str] = []
    async with serving_centre(there["multi_analytics"], host="localhost", port=0, tell=told.append) as url:
        centre = url.rstrip("/")
        await run(
            there, "Step 3: Event Collection Setup", "Step 4: Launch", "Automatic Event Collection", centre=centre
        )
        sent = await there["event_collector"].collect_now()
        assert (len(sent), set(sent.values())) == (3, {True})
        await there["event_collector"].stop()
        await run(there, "Real-time Monitoring", "Network Report", "Bot Reports", "JSON Export", "CSV Export")
        async with aiohttp.ClientSession() as http:
            assert (await http.get(f"{centre}/analytics/status")).status in {200, 401}
    shown = capsys.readouterr().out
    for line in (
        "Registered bots: 4",
        "Total events: 2",
        "Total users: 1",
        "Revenue: 200 stars",
        "Transactions: 2",
        "Conversion: 100.0%",
        "Main Store Bot:",
        "  Revenue: 100 stars",
    ):
        assert f"{line}\n" in shown
    assert json.loads((tmp_path / "analytics.json").read_text())["network"]["total_revenue"] == 200
    assert "network,,total_revenue,200" in (tmp_path / "analytics.csv").read_text()


async def test_the_shortest_way(capsys: pytest.CaptureFixture[str]) -> None:
    there: dict[str, Any] = {}
    await run(there, "Start Right Now!", centre=f"http://localhost:{_free_port()}")
    assert there["multi_analytics"].get_stats()["registered_bots"] == 2
    await there["event_collector"].stop()


@pytest.mark.parametrize("heading", ["Setup", "Starting Analytics Web Server"])
async def test_the_server(heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    port = _free_port()
    there: dict[str, Any] = {}
    await run(there, "After multi-bot analytics:")
    running = asyncio.create_task(run(there, heading, port=str(port)))
    status = 0
    try:
        async with asyncio.timeout(100), aiohttp.ClientSession() as http:
            while not status and not running.done():
                with suppress(aiohttp.ClientConnectorError):
                    status = (await http.get(f"http://localhost:{port}/health")).status
                await asyncio.sleep(0.05)
        assert (status, running.done()) == (200, False)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    """A ledger with one bot that sells, and one of which programs tell."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with MultiBotAnalyticsManager(database_url=url) as network:
        network.register_bot("store_bot", "Main Store Bot")
    ledger = open_ledger(url)
    ledger.run_sync(load_keys, 7_000_001, 1, os.urandom)
    ledger.close_sync()
    return url


def registered_at(folder: Path) -> str:
    """A ledger in which a bot was registered, and none has sold."""
    url = f"sqlite:///{folder / 'registered.db'}"
    with MultiBotAnalyticsManager(database_url=url) as network:
        network.register_bot("store_bot", "Main Store Bot")
    return url


@pytest.mark.parametrize("line", [line for line in TYPED if "--start-dashboard" not in line])
def test_what_the_guide_types(line: str, ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {"NEONPAY_DATABASE_URL": ledger_url, "NEONPAY_BOT_TOKEN": None, "NEONPAY_BOT_ID": None}
    words = shlex.split(line)[1:]
    done = CliRunner().invoke(app, words, env=environment)
    assert (done.exit_code, done.exception) == (0, None), done.stderr
    shown = Path(words[words.index("--output") + 1]).read_text() if "--output" in words else done.stdout
    if "json" in words:
        json.loads(shown)
    else:
        assert "revenue" in shown or "Main Store Bot" in shown


OF_A_CENTRE = "a centre that has no bot yet"


@pytest.mark.parametrize(
    ("url_of", "whose"),
    [
        (lambda ledger_url, _: ledger_url, "bot 7000001"),
        (lambda _, folder: registered_at(folder), OF_A_CENTRE),
        (lambda _, folder: f"sqlite:///{folder / 'new.db'}", OF_A_CENTRE),
    ],
    ids=["bot", "registered", "nothing"],
)
async def test_the_dashboard_that_the_guide_starts(
    ledger_url: str, tmp_path: Path, url_of: Callable[[str, Path], str], whose: str
) -> None:
    url = url_of(ledger_url, tmp_path)
    into = f" into {re.escape(url.removeprefix('sqlite:///'))}" if whose == OF_A_CENTRE else ""
    [line] = [line for line in TYPED if "--start-dashboard" in line]
    words = [word if word != "8081" else "0" for word in shlex.split(line)[1:]]
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NEONPAY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "neonpay",
        *words,
        env={**inherited, "NEONPAY_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    place = rf"The dashboard of {whose} is at (http://127\.0\.0\.1:\d+/), and takes what bots send{into}\n"
    told = re.fullmatch(place, said)
    assert told is not None, said
    at = "2026-11-28T10:00:00+00:00"
    event = {"event_id": "1", "kind": "user_started", "at": at, "user_id": 5}
    async with aiohttp.ClientSession() as session:
        batch = {"bot_id": "store_bot", "sent_at": at, "events": [event]}
        async with session.post(f"{told[1]}analytics/collect", json=batch) as taken:
            assert taken.status == 200, await taken.text()
        async with session.get(f"{told[1]}revenue") as page:
            assert page.status == 200
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
