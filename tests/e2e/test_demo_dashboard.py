"""``neonpay demo --dashboard``: every page answers and says what its data is, and acts reach the simulator."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from neonpay.cli.demo.lively import live
from neonpay.cli.demo.lively.open_to_view import place_of_ledger, show
from neonpay.errors import ConfigurationError
from neonpay.web import create_dashboard_app, serving
from neonpay.web.navigation import PAGES
from tests.integration.web.visiting import browser, send

pytestmark = pytest.mark.timeout(240)


async def test_every_page_of_a_sample_says_so_and_acts_reach_the_simulator() -> None:
    until = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
    async with live("memory:", until=until, days=9, orders_a_day=5) as history:
        telegram, shop = history.telegram, history.shop
        bought = telegram.payments(shop.account)[0]
        held = telegram.balance(shop.account)
        app = create_dashboard_app(history.neonpay, is_sample=True, patience_s=60.0)
        async with serving(app, port=0) as url, browser(url) as http:
            for row in PAGES:
                answer = await http.get(row.path, headers={"Accept-Language": "ru"})
                assert (row.path, answer.status) == (row.path, 200)
                assert "Пример данных" in await answer.text()
            page = f"/payments/{shop.account.id}/{bought.charge_id}/refund"
            assert (await send(http, page, page, reason="a look at the dashboard")).status == 303
            await shop.settle()
        assert telegram.balance(shop.account) == held - bought.amount
        (dead, *_) = await history.neonpay.jobs.dead_letters()
        assert dead.charge_id is not None


async def test_the_demo_serves_the_dashboard_until_ctrl_c(tmp_path: Path) -> None:
    out = io.StringIO()
    showing = asyncio.create_task(
        show(Console(file=out, width=200), tmp_path / "kept.db", port=0, days=8, orders_a_day=3)
    )
    while not (found := re.search(r"http://\S+/", out.getvalue())):
        assert not showing.done(), out.getvalue()
        await asyncio.sleep(0.05)
    async with browser(found[0]) as http:
        assert (await http.get("/")).status == 200
        assert (await http.get("/healthz")).status == 200
    os.kill(os.getpid(), signal.SIGINT)
    await showing
    assert out.getvalue().endswith("Ctrl-C stops it.\nStopped.\n")
    assert (tmp_path / "kept.db").exists()


def test_a_ledger_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    there = tmp_path / "shop.db"
    there.touch()
    told = r"shop\.db is there already; delete it, or give --keep another path"
    with pytest.raises(ConfigurationError, match=told), place_of_ledger(there):
        pass
