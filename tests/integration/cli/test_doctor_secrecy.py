"""``neonpay doctor`` and what has to be secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.cli.main import app
from neonpay.ledger import open_ledger

if TYPE_CHECKING:
    from pathlib import Path


def examined(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    env = {"NEONPAY_BOT_TOKEN": None, "NEONPAY_DATABASE_URL": f"sqlite:///{folder / 'shop.db'}", **environment}
    result = CliRunner().invoke(app, ["doctor", "--library", "botapi", "--json", *arguments], env=env)
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert result.exit_code == int("problem" in {check["state"] for check in checks.values()})
    assert not any(value in result.output for name, value in environment.items() if name == "SHOP_SECRET" and value)
    return checks


@pytest.mark.parametrize(
    ("secret", "state", "words"),
    [
        ("", "problem", "is not set here"),
        ("fifteen letters", "problem", "fewer than 16 characters"),
        ("hahahahahahahahahahaha", "problem", "only 2 different characters"),
        ("ERoXrOOlT9PFkBwIFhd0DQ", "ok", "22 characters"),
    ],
)
def test_a_secret_that_can_be_guessed_is_a_problem(tmp_path: Path, secret: str, state: str, words: str) -> None:
    found = examined(tmp_path, "--secret-env", "SHOP_SECRET", SHOP_SECRET=secret)["secret.strength"]
    assert (found["state"], words in found["finding"]) == (state, True), found


def test_a_token_is_no_secret_for_invoices(tmp_path: Path) -> None:
    token = "123456:" + "aB3-_xY7" * 4
    arguments = ("--secret-env", "SHOP_SECRET", "--api-url", "http://127.0.0.1:9")
    for secret in (token, token.partition(":")[2]):
        found = examined(tmp_path, *arguments, SHOP_SECRET=secret, NEONPAY_BOT_TOKEN=token)["secret.strength"]
        assert (found["state"], "the bot's token" in found["finding"]) == ("problem", True)


def test_a_secret_that_nobody_names_is_not_looked_for(tmp_path: Path) -> None:
    assert examined(tmp_path)["secret.strength"]["state"] == "skipped"


@pytest.mark.parametrize(
    ("mode", "state"), [(0o600, "ok"), (0o640, "warning"), (0o604, "warning"), (0o620, "problem"), (0o666, "problem")]
)
@pytest.mark.parametrize("end", ["", "-wal"])
def test_a_ledger_is_for_its_owner_alone(tmp_path: Path, mode: int, state: str, end: str) -> None:
    path = tmp_path / "shop.db"
    ledger = open_ledger(f"sqlite:///{path}")
    ledger.open_sync()
    ledger.close_sync()
    assert examined(tmp_path)["files.database"]["state"] == "ok", "as neonpay makes it"
    file = tmp_path / f"shop.db{end}"
    file.touch()
    file.chmod(mode)
    found = examined(tmp_path)["files.database"]
    assert found["state"] == state
    if state != "ok":
        assert f"{file} (mode {mode:04o})" in found["finding"]
        assert found["advice"].startswith("run: chmod 600 ")


def test_a_token_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("123456:" + "aB3-_xY7" * 4)
    file.chmod(0o644)
    arguments = ("--token-file", str(file), "--api-url", "http://127.0.0.1:9")
    assert examined(tmp_path, *arguments)["files.token"]["state"] == "warning"
    file.chmod(0o400)
    assert examined(tmp_path, *arguments)["files.token"]["state"] == "ok"
    assert examined(tmp_path)["files.token"]["state"] == "skipped"
