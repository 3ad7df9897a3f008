"""``neonpay dashboard`` as a process beside a shop, and the dashboard in the process of a bot."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest
import sqlalchemy as sa

from neonpay.extensions import ExtensionSpec
from neonpay.installing import install_line
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables_access import accounts
from neonpay.web import run_dashboard
from neonpay.web.access import Role
from neonpay.web.access.accounts import keep_account
from neonpay.web.access.passwords import hashed
from tests.integration.registry.conftest import place
from tests.integration.web.visiting import browser, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.integration.conftest import Shop

    Query = Callable[[sa.Select[tuple[int]]], Awaitable[list[tuple[int]]]]

__all__ = ["place"]

PASSWORD = "seven ducks on a wall"


async def start(*arguments: str, stdin: int | None = None, **environment: str) -> asyncio.subprocess.Process:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NEONPAY_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "neonpay", "dashboard", *arguments, env={**inherited, **environment},
        stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
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
    process = await start(
        "--port", "0", "--read-only", NEONPAY_DATABASE_URL=database_url, NEONPAY_BOT_TOKEN=shop.account.token
    )
    assert process.stdout is not None
    told = (await process.stdout.readline()).decode()
    found = re.fullmatch(r"The dashboard of bot (\d+) is at (http://127\.0\.0\.1:\d+/)\n", told)
    assert found is not None, told
    assert found[1] == str(shop.neonpay.program.adapter.bot_id)
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


@pytest.mark.parametrize("package", ["aiohttp", "argon2", "jinja2"])
async def test_without_a_package_the_dashboard_says_what_to_install(package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; import neonpay.web"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert err.decode().endswith(f"ConfigurationError: the dashboard needs {package}; run: {install_line('web')}\n")


async def said(words: str, database_url: str, *arguments: str) -> tuple[int | None, str]:
    """How a command ends that is told this, and all that it prints."""
    process = await start(*arguments, stdin=asyncio.subprocess.PIPE, NEONPAY_DATABASE_URL=database_url)
    out, err = await process.communicate(words.encode())
    return process.returncode, (out + err).decode()


async def test_the_bots_of_the_machine_have_the_processor_before_it(shop: Shop, database_url: str) -> None:
    await shop.neonpay.setup()
    await shop.aclose()
    process = await start("--port", "0", NEONPAY_DATABASE_URL=database_url)
    assert process.stdout is not None
    await process.stdout.readline()
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(mine + 10, 19)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_a_password_is_read_from_standard_input(shop: Shop, database_url: str, query: Query) -> None:
    await shop.neonpay.setup()
    await shop.aclose()
    code, words = await said("too short\n", database_url, "password", "ann")
    assert (code, words) == (3, "neonpay: a password has 10 to 256 characters; nothing was changed\n")
    code, words = await said(f"{PASSWORD}\n", database_url, "password", "ann", "--role", "viewer")
    assert (code, words) == (0, "ann may sign in as viewer.\n")
    ((name, role, kept),) = await query(sa.select(accounts.c.name, accounts.c.role, accounts.c.password_hash))
    assert (name, role, str(kept)[:9]) == ("ann", "viewer", "$argon2id")
    assert await said("", database_url, "remove", "bob") == (3, "neonpay: there is no account 'bob'; there are: ann\n")
    assert await said("", database_url, "remove", "ann") == (0, "ann cannot sign in any more.\n")
    assert await query(sa.select(accounts.c.name)) == []


async def test_the_process_asks_for_the_password_that_there_is(shop: Shop, database_url: str) -> None:
    await shop.neonpay.setup()
    await shop.neonpay.program.pipeline.ledger.run(keep_account, "ann", Role.VIEWER, 1, hashed(PASSWORD))
    await shop.aclose()
    process = await start("--port", "0", NEONPAY_DATABASE_URL=database_url)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    async with browser(url) as http:
        assert (await http.get("/", allow_redirects=False)).headers["Location"] == "/login"
        answer = await send(http, "/login", name="ann", password=PASSWORD)
        assert (answer.status, (await http.get("/")).status) == (303, 200)
    process.send_signal(signal.SIGTERM)
    await process.communicate()


async def test_all_bots_of_the_ledger_are_shown(open_shop: Callable[..., Shop], database_url: str) -> None:
    shops = [open_shop(username=name) for name in ("first_bot", "second_bot")]
    for shop in shops:
        await shop.neonpay.setup()
        await shop.aclose()
    process = await start("--port", "0", NEONPAY_DATABASE_URL=database_url, NEONPAY_BOT_TOKEN=shops[1].account.token)
    assert process.stdout is not None
    told = (await process.stdout.readline()).decode()
    first, second = (shop.neonpay.program.adapter.bot_id for shop in shops)
    assert f"The dashboard of bot {second}, {first} is at" in told
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_on_another_address_a_link_is_told_once_and_nothing_else_is_served_until_it_was_used(shop: Shop) -> None:
    told: list[str] = []
    async with shop.polling(), run_dashboard(shop.neonpay, host="0.0.0.0", port=0, tell=told.append) as url:  # noqa: S104
        here = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        (words,) = told
        path = "/" + words.rpartition("\n")[2].removeprefix(url)
        async with browser(here) as http:
            assert (await http.get("/")).status == 403
            assert "Nobody can sign in here yet" in await (await http.get("/login")).text()
            assert (await http.get("/payments", allow_redirects=False)).status == 303
            answer = await send(http, "/enter", path, token=path.rpartition("/")[2])
            assert answer.status == 303
            assert (await http.get("/")).status == 200


async def test_in_a_bots_process_it_leaves_signals_alone_and_an_open_stream_ends_with_it(
    shop: Shop, place: Path
) -> None:
    (place / "streams.py").write_text(_STREAM)
    spec = ExtensionSpec(name="streams", factory="json:loads", pages="streams:pages")
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with shop.polling():
        async with run_dashboard(shop.neonpay, port=0, specs=[spec]) as url:
            assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
            http = browser(url)
            stream = await http.get("/streams/")
            assert await stream.content.readline() == b"data: 1\n"
            began_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began_s < 4  # and not after the five that others would get
        assert await stream.content.read() == b"\n"
        await http.close()
        assert shop.neonpay.get_stats()["is_open"]


_STREAM = """
from aiohttp import web

from neonpay.web import Part
from neonpay.web.streams import ending


def pages(neonpay):
    async def stream(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\\n\\n")
        await ending(request).wait()
        return response

    app = web.Application()
    app.router.add_get("/", stream)
    return Part(app, {"en": "Streams"})
"""
