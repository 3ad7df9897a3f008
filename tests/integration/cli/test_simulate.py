"""``neonpay simulate`` as a process."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from types import SimpleNamespace

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from telegram.ext import ApplicationBuilder
from typer.main import get_command
from typer.testing import CliRunner

from neonpay import create_neonpay
from neonpay.cli.main import app
from neonpay.cli.pointing import lines, variables
from neonpay.installing import install_line

TOKEN = "123456:" + "aB3-_" * 7
NOT_AT_ITS_START = (
    "PIL", "alembic", "argon2", "asyncpg", "jinja2", "msgspec", "neonpay.adapters", "neonpay.app", "neonpay.cli.shop",
    "neonpay.core.payments", "neonpay.ledger", "neonpay.payments", "neonpay.testing", "neonpay.web", "pygments", "pytest",
    "rich._emoji_codes", "sqlalchemy", "sqlite3", "telebot", "telegram", "telethon", "yaml",
)  # fmt: skip


async def start(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "neonpay", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def read_until(stream, pattern):
    text = ""
    async with asyncio.timeout(55):
        while not (match := re.search(pattern, text)):
            line = await stream.readline()
            assert line, text
            text += line.decode()
    return match, text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_told_to_stop(number):
    process = await start("simulate", "--port", "0", "--token", TOKEN, "--seed", "3")
    match, text = await read_until(process.stdout, r"Everything that can be asked: (http://127\.0\.0\.1:\d+)/_sim/")
    assert f"  export TELEGRAM_API_URL={match.group(1)}\n  export BOT_TOKEN={TOKEN}\n" in text
    async with aiohttp.ClientSession() as http, http.get(f"{match.group(1)}/bot{TOKEN}/getMe") as response:
        assert (await response.json())["result"]["id"] == 123456
    page = re.search(r"in your browser: (http://127\.0\.0\.1:\d+/)", text)
    assert page is not None, text
    async with aiohttp.ClientSession() as http, http.get(page.group(1)) as response:
        assert (response.status, response.content_type) == (200, "text/html")
    process.send_signal(number)
    out, err = await process.communicate()
    assert (process.returncode, out.decode().strip(), err) == (0, "Stopped.", b"")


async def sale_of_a_run(*options: str) -> tuple[int, str, int]:
    """Ann's id, the charge id of what she buys, and the id of the newest update."""
    process = await start("simulate", "--port", "0", "--token", TOKEN, *options)
    match, text = await read_until(process.stdout, r"Everything that can be asked: (http://127\.0\.0\.1:\d+)/_sim/")
    ann = int(re.search(r"Ann has user id (\d+)", text).group(1))
    root, bot = f"{match.group(1)}/_sim", f"{match.group(1)}/bot{TOKEN}"
    book = {"title": "Book", "description": "Of Stars", "payload": "book", "currency": "XTR"}
    book["prices"] = [{"label": "Book", "amount": 5}]
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        async with http.post(f"{bot}/createInvoiceLink", json=book) as response:
            link = (await response.json())["result"]
        paying = asyncio.create_task(http.post(f"{root}/users/{ann}/pays", json={"link": link}))
        async with http.get(f"{bot}/getUpdates", params={"timeout": 20}) as response:
            (update,) = (await response.json())["result"]
        approval = {"pre_checkout_query_id": update["pre_checkout_query"]["id"], "ok": True}
        async with http.post(f"{bot}/answerPreCheckoutQuery", json=approval), await paying as response:
            charge_id = (await response.json())["charge_id"]
    process.terminate()
    await process.communicate()
    return ann, charge_id, update["update_id"] + 1


async def test_a_bot_that_goes_on_takes_no_sale_of_a_new_run_for_one_of_before():
    first, second = await sale_of_a_run(), await sale_of_a_run()
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert first[2] < second[2]


async def test_with_a_seed_a_run_is_repeated():
    assert await sale_of_a_run("--seed", "3") == await sale_of_a_run("--seed", "3")


async def test_it_starts_without_what_a_simulated_telegram_does_not_need():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "importtime", "-m", "neonpay", "simulate", "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    errors = asyncio.ensure_future(process.stderr.read())
    await read_until(process.stdout, "Everything that can be asked: ")
    process.terminate()
    loaded = {line.rpartition("|")[2].strip() for line in (await errors).decode().splitlines()}
    await process.wait()
    assert "neonpay.simulator.http.server" in loaded
    assert {name for name in loaded if name.startswith(NOT_AT_ITS_START)} == set()


def test_the_line_of_each_library_is_one_that_the_library_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = {
        "token": TOKEN,
        "Bot": Bot,
        "AiohttpSession": AiohttpSession,
        "TelegramAPIServer": TelegramAPIServer,
        "ApplicationBuilder": ApplicationBuilder,
        "apihelper": SimpleNamespace(),
        "asyncio_helper": SimpleNamespace(),
        "create_neonpay": create_neonpay,
    }
    printed = lines("http://127.0.0.1:8082")
    for parts in printed.values():
        for program in ("".join(parts), "\n        ".join(parts)):
            exec(program, there)  # noqa: S102 - our own words
    assert there["apihelper"].API_URL.format("TOKEN", "getMe") == "http://127.0.0.1:8082/botTOKEN/getMe"
    assert there["asyncio_helper"] == there["apihelper"]
    assert len(printed) == 5


def test_on_windows_the_variables_are_those_of_powershell():
    assert variables("http://a", "1:B", is_windows=True) == [
        '$env:TELEGRAM_API_URL = "http://a"',
        '$env:BOT_TOKEN = "1:B"',
    ]


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["simulate", "--port", str(port)])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1)
    assert f"Cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert "type: neonpay simulate --port 0, which picks a free one" in result.stderr


def test_the_simulator_and_the_dashboard_listen_beside_each_other_when_nobody_says_where():
    group = get_command(app)
    context = group.make_context("neonpay", ["simulate"])
    ports = {}
    for name in ("simulate", "dashboard"):
        command = group.resolve_command(context, [name])[1]
        ports[name] = next(one.default for one in command.params if "--port" in one.opts)
    assert ports == {"simulate": 8082, "dashboard": 8081}


def test_a_token_that_cannot_be_one_is_refused():
    result = CliRunner().invoke(app, ["simulate", "--token", "nonsense"])
    assert result.exit_code == 2
    assert "a token is <bot id>:<secret>" in result.output


async def test_the_version_is_printed():
    process = await start("--version")
    out, _ = await process.communicate()
    assert re.fullmatch(r"neonpay \d+\.\d+\.\S+\n", out.decode())


async def test_without_typer_the_command_names_the_extra():
    code = "import sys; sys.modules['typer'] = None; from neonpay.cli.main import main"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert install_line("cli") in err.decode()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--fault", "sulk *", "is no fault"),
        ("--fault", "slow sendMessage", "needs delay_s"),
        ("--scenario", "nowhere.yaml", "there is no scenario"),
    ],
)
def test_a_fault_or_a_scenario_that_cannot_be_read_is_told(option, value, message):
    result = CliRunner().invoke(app, ["simulate", option, value], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in result.output


async def test_faults_and_frozen_time_are_there_from_the_start():
    fault = "429 getMe retry_after_s=7 times=always"
    process = await start("simulate", "--port", "0", "--token", TOKEN, "--fault", fault, "--frozen")
    match, _ = await read_until(process.stdout, r"Everything that can be asked: (http://127\.0\.0\.1:\d+)/_sim/")
    async with aiohttp.ClientSession() as http:
        for _ in range(3):
            async with http.get(f"{match.group(1)}/bot{TOKEN}/getMe") as response:
                assert (response.status, response.headers["Retry-After"]) == (429, "7")
        async with http.get(f"{match.group(1)}/_sim/time") as response:
            time = await response.json()
    assert (time["frozen"], time["can_run"]) == (True, True)
    process.send_signal(signal.SIGTERM)
    await process.communicate()


async def test_a_bot_has_the_name_that_is_given():
    process = await start("simulate", "--port", "0", "--token", TOKEN, "--bot-name", "Coffee")
    match, _ = await read_until(process.stdout, r"Everything that can be asked: (http://127\.0\.0\.1:\d+)/_sim/")
    async with aiohttp.ClientSession() as http, http.get(f"{match.group(1)}/bot{TOKEN}/getMe") as response:
        assert (await response.json())["result"]["first_name"] == "Coffee"
    process.send_signal(signal.SIGTERM)
    await process.communicate()


def test_more_names_than_bots_are_refused():
    result = CliRunner().invoke(app, ["simulate", "--bot-name", "One", "--bot-name", "Two"])
    assert result.exit_code == 2
    assert "there are 2 names for 1 bot;" in result.output
