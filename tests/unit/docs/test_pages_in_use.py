"""What pages print for somebody's own machine does there what they say: the backup, and what a monitor reads."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay import create_neonpay
from neonpay.cli.main import app
from tests.unit.docs.blocks import blocks, programs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN = "42:" + "A" * 35


@pytest.fixture
def back_up() -> Callable[[str, str], None]:
    (page,) = programs("docs/howto/backup.md")
    there: dict[str, Any] = {"__name__": "page"}
    exec(page.source, there)  # noqa: S102 - the page's own code
    copy: Callable[[str, str], None] = there["back_up"]
    return copy


async def neonpay(*arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env={"NEONPAY_BOT_TOKEN": None})
    return done.exit_code, done.stdout


async def test_a_ledger_is_copied_while_the_bot_runs_for_its_owner_alone(
    tmp_path: Path, back_up: Callable[[str, str], None]
) -> None:
    source, target = tmp_path / "neonpay.db", tmp_path / "copy.db"
    async with create_neonpay(TOKEN, database_url=f"sqlite:///{source}", reconcile_every_s=None) as shop:
        back_up(str(source), str(target))
        await shop.books.seal()
        back_up(str(source), str(target))  # the night after
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    code, said = await neonpay("verify", "--database", f"sqlite:///{target}")
    assert (code, "Everything adds up." in said) == (0, True)
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "neonpay.db"]


def test_a_copy_that_fails_leaves_the_older_one(tmp_path: Path, back_up: Callable[[str, str], None]) -> None:
    target = tmp_path / "copy.db"
    target.write_bytes(b"of yesterday")
    with pytest.raises(sqlite3.OperationalError):
        back_up(str(tmp_path / "nothing.db"), str(target))
    assert target.read_bytes() == b"of yesterday"


async def test_a_monitor_finds_in_the_json_of_doctor_what_its_page_shows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/neonpay.db"
    async with create_neonpay(TOKEN, database_url=url, reconcile_every_s=None) as shop:
        await shop.books.seal()
    _, said = await neonpay("doctor", "--json", "--database", url)
    (block,) = blocks("json", pages=["docs/howto/monitor.md"])
    shown, told = json.loads(block.text), json.loads(said)
    assert shown.keys() == told.keys()
    (check,) = shown["checks"]
    there = {one["name"]: one for one in told["checks"]}
    assert check.keys() == there[check["name"]].keys()
