"""``neonpay web`` as a process beside a shop."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import aiohttp
import sqlalchemy as sa

from neonpay.installing import install_line
from neonpay.ledger.table_kit import metadata

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.integration.conftest import Shop

    Query = Callable[[sa.Select[tuple[int]]], Awaitable[list[tuple[int]]]]


async def start(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NEONPAY_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "neonpay", "web", *arguments, env={**inherited, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_serves_the_shop_on_this_machine_until_told_to_stop_and_only_reads(
    shop: Shop, database_url: str, query: Query
) -> None:
    await shop.neonpay.setup()
    await shop.aclose()

    async def sizes() -> dict[str, int]:
        counted = {}
        for table in metadata.sorted_tables:
            ((counted[table.name],),) = await query(sa.select(sa.func.count()).select_from(table))
        return counted

    before = await sizes()
    process = await start("--port", "0", NEONPAY_DATABASE_URL=database_url, NEONPAY_BOT_TOKEN=shop.account.token)
    assert process.stdout is not None
    told = (await process.stdout.readline()).decode()
    found = re.fullmatch(r"The shop of bot (\d+) is at (http://127\.0\.0\.1:\d+/)\n", told)
    assert found is not None, told
    assert found[1] == str(shop.neonpay.adapter.bot_id)
    async with aiohttp.ClientSession(found[2]) as http:
        page = await http.get("/bots")
        text = await page.text()
        health = await http.get("/healthz")
        told_health = await health.json()
        assert (await http.get("/", headers={"Host": "evil.example"})).status == 403
    assert (page.status, "<h1>The ledger answers.</h1>" in text, found[1] in text) == (200, True, True)
    assert (health.status, told_health["ok"], told_health["loops"]) == (200, True, [])
    process.send_signal(signal.SIGTERM)
    out, err = await process.communicate()
    assert (process.returncode, out.decode(), err.decode()) == (0, "Ctrl-C stops it.\nStopped.\n", "")
    assert await sizes() == before


async def test_without_a_ledger_there_is_one_line_and_none_is_made(tmp_path: Path) -> None:
    process = await start("--port", "0", "--database", f"sqlite:///{tmp_path / 'none.db'}")
    out, err = await process.communicate()
    assert (process.returncode, out, err.decode().count("\n")) == (3, b"", 1)
    assert err.decode().startswith("neonpay: ")
    assert os.listdir(tmp_path) == []


async def test_a_port_that_is_taken_is_told_in_one_line(shop: Shop, database_url: str) -> None:
    await shop.neonpay.setup()
    await shop.aclose()
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        process = await start("--port", str(port), NEONPAY_DATABASE_URL=database_url)
        _, err = await process.communicate()
    assert process.returncode == 3
    assert re.fullmatch(
        rf"neonpay: cannot listen on 127\.0\.0\.1 port {port}: .*--port 0 picks a free one\n", err.decode()
    )


async def test_without_aiohttp_the_pages_say_what_to_install() -> None:
    code = "import sys; sys.modules['aiohttp'] = None; import neonpay.web"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert err.decode().endswith(f"ConfigurationError: the pages need aiohttp; run: {install_line('web')}\n")
