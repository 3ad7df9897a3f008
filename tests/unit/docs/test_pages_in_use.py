"""What pages print for somebody's own machine does there what they say: backups, and what a monitor reads."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from neonpay import create_neonpay
from neonpay.cli.main import app
from tests.unit.docs.blocks import blocks

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TOKEN = "42:" + "A" * 35


async def neonpay(*arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env={"NEONPAY_BOT_TOKEN": None})
    return done.exit_code, done.stdout


async def test_what_the_page_of_backups_types_in_turn_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEONPAY_BACKUP_PASSPHRASE", "a sentence of 12 characters or more")
    first, *_ = blocks("shell", pages=["docs/howto/backup.md"])
    typed = [shlex.split(line)[1:] for line in first.text.splitlines() if line.startswith("neonpay ")]
    async with create_neonpay(TOKEN, reconcile_every_s=None) as shop:
        await shop.books.seal()
    done = [await neonpay(*arguments) for arguments in typed]
    assert [code for code, _ in done] == [0] * len(typed)
    assert "restores." in done[-1][1]


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
