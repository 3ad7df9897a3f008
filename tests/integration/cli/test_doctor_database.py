"""``neonpay doctor`` and the ledger: it is read, told about, and left as it is."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from neonpay.cli.checks.database import NAMES
from neonpay.cli.main import app
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.migrate import REVISIONS, VERSION_TABLE
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import jobs, refunds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command

VERSION = sa.table(VERSION_TABLE, sa.column("version_num"), sa.column("oldest"))
PASSWORD = "correct-horse-battery"


async def change(url: str, *statements: sa.Executable) -> None:
    def unit(transaction: Transaction) -> None:
        for statement in statements:
            transaction.connection.execute(statement)

    ledger = open_ledger(url)
    await ledger.run(unit)
    await ledger.close()


async def examined(url: str, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
    """The checks of a database by name."""
    given = ["doctor", "--library", "botapi", "--json", *arguments]
    env = {"NEONPAY_BOT_TOKEN": None, "NEONPAY_DATABASE_URL": url, "NEONPAY_API_URL": None}
    result = await asyncio.to_thread(CliRunner().invoke, app, given, env=env)
    assert (result.exit_code, result.stderr, PASSWORD in result.output) == (exit_code, "", False), result.output
    checks = json.loads(result.stdout)["checks"]
    assert [check["name"] for check in checks if check["name"] in NAMES] == list(NAMES)
    return {check["name"]: check for check in checks}


def states(checks: dict[str, Any]) -> dict[str, str]:
    return {name: checks[name]["state"] for name in NAMES}


async def test_a_ledger_of_this_release_is_well(neonpay: Command, database_url: str) -> None:
    checks = await examined(database_url)
    well = dict.fromkeys(NAMES, "ok")
    assert states(checks) == {**well, "ledger.needs_attention": "warning", "ledger.handlers": "warning"}
    assert checks["ledger.handlers"]["finding"] == "no program has a payment handler for: poster"
    assert checks["ledger.needs_attention"]["finding"] == "1 payment needs a decision"
    assert str(neonpay.shop.account.id) in checks["ledger.bot"]["finding"]


async def test_a_line_to_type_is_about_the_database_and_the_bot_that_were_typed(
    neonpay: Command, database_url: str
) -> None:
    typed = ["--database", database_url, "--bot", str(neonpay.shop.account.id)]
    checks = await examined("sqlite:///nowhere.db", *typed)
    line, _, rest = checks["ledger.needs_attention"]["advice"].partition(";")
    words = shlex.split(line)
    assert (words[:3], rest) == (["neonpay", "payments", "list"], " then accept or refund each")
    shown = await neonpay(*words[1:], NEONPAY_DATABASE_URL="sqlite:///nowhere.db")
    assert (shown.exit_code, shown.stderr) == (0, ""), shown.output
    line = checks["backup.newest"]["advice"].removeprefix("make one: ")
    assert shlex.split(line) == ["neonpay", "backup", "create", *typed[:2]]


async def test_what_waits_for_somebody_is_counted(neonpay: Command, database_url: str) -> None:
    ago = {minutes: DatabaseNow() - minutes * 60_000_000 for minutes in (2, 10)}
    one = jobs.c.event_id == sa.select(sa.func.min(jobs.c.event_id)).scalar_subquery()
    await change(
        database_url,
        sa.update(refunds).values(state="unknown"),
        sa.update(jobs).where(one).values(state="leased", run_at=ago[2]),
    )
    checks = await examined(database_url)
    assert checks["ledger.refunds"]["finding"] == "2 refunds have lost Telegram's answer"
    assert checks["ledger.stray_leases"]["state"] == "warning"
    await change(database_url, sa.update(jobs).where(one).values(state="ready", run_at=ago[10]))
    checks = await examined(database_url)
    assert (checks["ledger.stray_leases"]["state"], checks["ledger.overdue"]["state"]) == ("ok", "warning")
    assert "due for more than 5 minutes" in checks["ledger.overdue"]["finding"]
    await change(database_url, sa.update(jobs).where(one).values(state="dead"))
    checks = await examined(database_url)
    assert (checks["ledger.overdue"]["state"], checks["ledger.dead_letters"]["state"]) == ("ok", "warning")
    assert "neonpay payments list --dead-letters" in checks["ledger.dead_letters"]["advice"]
    assert states(await examined(database_url, "--bot-id", "7"))["ledger.dead_letters"] == "ok", "another bot's"


async def test_a_lease_and_a_job_that_are_fresh_are_nobodys_concern(neonpay: Command, database_url: str) -> None:
    soon = DatabaseNow() + 20_000_000
    await change(database_url, sa.update(jobs).values(state="leased", run_at=soon))
    assert states(await examined(database_url))["ledger.stray_leases"] == "ok"
    await change(database_url, sa.update(jobs).values(state="ready", run_at=DatabaseNow()))
    assert states(await examined(database_url))["ledger.overdue"] == "ok"


async def test_a_bot_that_the_ledger_does_not_have_is_told(neonpay: Command, database_url: str) -> None:
    found = (await examined(database_url, "--bot-id", "7"))["ledger.bot"]
    assert (found["state"], str(neonpay.shop.account.id) in found["finding"]) == ("warning", True)
    assert "token and database belong together" in found["advice"]


@pytest.mark.parametrize(("revision", "state", "exit_code"), [(REVISIONS[0], "warning", 0), ("9999", "problem", 1)])
async def test_tables_of_another_release_are_told_and_left(
    neonpay: Command, database_url: str, revision: str, state: str, exit_code: int
) -> None:
    await change(database_url, sa.update(VERSION).values(version_num=revision, oldest=revision))
    for _ in range(2):
        checks = await examined(database_url, exit_code=exit_code)
        assert (checks["database.reachable"]["state"], checks["database.schema"]["state"]) == ("ok", state)
        assert revision in checks["database.schema"]["finding"]
        assert checks["ledger.bot"]["state"] == "skipped"


async def test_an_empty_database_is_left_empty(postgres_server: Any, tmp_path: Path) -> None:
    url = postgres_server.create_database()
    try:
        for _ in range(2):
            assert states(await examined(url))["database.reachable"] == "warning"
    finally:
        postgres_server.drop_database(url)
    nowhere = tmp_path / "nowhere.db"
    found = (await examined(f"sqlite:///{nowhere}"))["database.reachable"]
    assert (found["state"], found["finding"]) == ("warning", f"there is no ledger at {nowhere}")
    assert not nowhere.exists()


async def test_a_file_is_not_written_to(neonpay: Command, sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")

    def content() -> str:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    before = content()
    await examined(sqlite_url)
    assert content() == before


async def test_a_database_that_is_none_is_a_problem(tmp_path: Path) -> None:
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"not a database, but long enough to be taken for one " * 100)
    found = (await examined(f"sqlite:///{junk}", exit_code=1))["database.reachable"]
    assert (found["state"], "not a SQLite database" in found["finding"]) == ("problem", True)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://shop:{PASSWORD}@127.0.0.1:9/shop",
        f"mysql://shop:{PASSWORD}@127.0.0.1/shop",
        f"shop:{PASSWORD}",
        "sqlite://",
    ],
)
async def test_a_database_that_cannot_be_reached_is_a_problem_and_its_password_stays_hidden(url: str) -> None:
    checks = await examined(url, exit_code=1)
    assert checks["database.reachable"]["state"] == "problem"
    assert checks["database.reachable"]["advice"]
    assert {checks[name]["state"] for name in NAMES[1:]} == {"skipped"}


async def test_a_server_that_never_answers_is_not_waited_for() -> None:
    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"postgresql://shop:{PASSWORD}@127.0.0.1:{port}/shop"
        found = (await examined(url, "--timeout", "0.2", exit_code=1))["database.reachable"]
    assert found["finding"] == f"127.0.0.1:{port}/shop did not answer within 0.2 s"
