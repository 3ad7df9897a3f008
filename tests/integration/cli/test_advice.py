"""A command that cannot find what it needs says where it has looked and what to type."""

from __future__ import annotations

import json
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from neonpay.errors import LedgerUnavailableError
from neonpay.ledger import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command


async def told(neonpay: Command, *arguments: str, **environment: str) -> str:
    result = await neonpay(*arguments, **environment)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1), result.output
    return result.stderr


async def test_a_ledger_that_lies_beside_is_named(
    neonpay: Command, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), folder / "bot.db")
    (folder / "notes.db").write_text("no database")
    monkeypatch.chdir(folder)
    words = await told(neonpay, "payments", "list", NEONPAY_DATABASE_URL="")
    assert "there is no ledger at neonpay.db" in words
    assert words.endswith("; type --database sqlite:///bot.db\n")


async def test_an_empty_folder_and_one_that_is_not_there_are_named(
    neonpay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    words = await told(neonpay, "verify", NEONPAY_DATABASE_URL="")
    assert f"type --database sqlite:///FOLDER/neonpay.db, or set NEONPAY_DATABASE_URL; this folder, {folder}," in words
    words = await told(neonpay, "verify", "--database", "sqlite:///nowhere/neonpay.db")
    assert f"there is no folder {folder / 'nowhere'}; --database or NEONPAY_DATABASE_URL" in words


async def test_a_file_is_no_url(neonpay: Command) -> None:
    words = await told(neonpay, "payments", "list", "--database", "shop.db")
    assert words == "neonpay: --database is a URL; for a file write --database sqlite:///shop.db\n"
    words = await told(neonpay, "move", "shop.db", "sqlite:///new.db")
    assert words == "neonpay: the source is a URL; for a file write sqlite:///shop.db\n"


async def test_a_server_that_does_not_answer_is_named_without_its_password(neonpay: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://shop:hunter22@127.0.0.1:{port}/books"
    words = await told(neonpay, "payments", "list", NEONPAY_DATABASE_URL=url)
    assert f", asked at 127.0.0.1:{port}/books; --database or NEONPAY_DATABASE_URL" in words
    assert "hunter22" not in words
    doctor = await neonpay("doctor", "--json", NEONPAY_DATABASE_URL=url)
    (reached,) = [check for check in json.loads(doctor.stdout)["checks"] if check["name"] == "database.reachable"]
    assert reached["finding"].endswith(f", asked at 127.0.0.1:{port}/books")
    assert reached["advice"] == "see whether the server runs, and give the URL that the bot runs with"
    assert "hunter22" not in doctor.stdout
    ledger = open_ledger(url)
    with pytest.raises(LedgerUnavailableError, match=f", asked at 127.0.0.1:{port}/books$"):
        await ledger.open()
    await ledger.close()


async def test_a_bot_api_server_that_does_not_answer_is_named(neonpay: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    words = await told(neonpay, "reconcile", "--api-url", url, **neonpay.with_token)
    assert words.endswith(f"; asked at {url}; --api-url names another one\n")
    assert neonpay.shop.account.token not in words


async def test_a_folder_that_is_not_there_is_named_before_anything_is_written(neonpay: Command, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    words = await told(neonpay, "export", "--output", str(nowhere / "payments.csv"))
    assert words == f"neonpay: there is no folder {nowhere}; make it, or name another one in --output\n"
    words = await told(neonpay, "move", neonpay.environment["NEONPAY_DATABASE_URL"], f"sqlite:///{nowhere}/new.db")
    assert words == f"neonpay: there is no folder {nowhere}; make it, or name another one in the target\n"


async def test_a_source_without_a_bot_is_not_moved(neonpay: Command, sqlite_with_tables: str, tmp_path: Path) -> None:
    words = await told(neonpay, "move", sqlite_with_tables, f"sqlite:///{tmp_path / 'new.db'}")
    assert "the source has no bot, so there is nothing to move" in words


async def test_what_is_due_already_is_not_retried(neonpay: Command) -> None:
    first = await neonpay("payments", "refund", neonpay.charges["kept"], "--yes")
    assert first.exit_code == 0
    words = await told(neonpay, "payments", "retry", neonpay.charges["kept"], "--handler", "neonpay:refund")
    assert "has only jobs that are due already" in words
