"""Copies by a program of one's own, in processes as they run on two machines, and by the script of the page with rclone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.backup.conftest import PASSPHRASE, Kit, rows_in

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long  # a process for each file

_PAGE = Path(__file__).parents[3] / "docs/howto/backup.md"
_LATE = """
import json, pathlib, sys

machine, act, *path = sys.argv[1:]
there, seen = pathlib.Path("there"), pathlib.Path(f"{machine}.json")
file = there.joinpath(*path)
if act == "put":
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sys.stdin.buffer.read())
elif act == "get":
    sys.stdout.buffer.write(file.read_bytes())
elif act == "delete":
    file.unlink()
else:
    # What this machine is told is how it was three looks before.
    looks = json.loads(seen.read_text()) if seen.exists() else []
    looks.append([str(one.relative_to(there)) for one in there.rglob("*") if one.is_file()])
    seen.write_text(json.dumps(looks))
    print("\\n".join(looks[max(0, len(looks) - 4)]))
"""


@pytest.fixture
def neonpay(kit: Kit, sqlite_url: str, tmp_path: Path) -> Callable[..., str]:
    """Runs the command in a process of its own."""
    kit.fill(sqlite_url)

    def run(*words: str, **environment: str) -> str:
        own = {name: value for name, value in os.environ.items() if not name.startswith("NEONPAY_")}
        line = [sys.executable, "-m", "neonpay", "backup", *words]
        env = {**own, "NEONPAY_DATABASE_URL": sqlite_url, **environment}
        done = subprocess.run(line, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_what_one_machine_deletes_is_whole_for_the_other_where_the_list_is_late(
    neonpay: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "late.py").write_text(_LATE)
    first, second, third = (f"command:{sys.executable} late.py {one}" for one in ("first", "second", "third"))
    neonpay("create", "--directory", "first", "--copy-to", first)
    of_first = json.loads(neonpay("list", "--directory", "first", "--json"))[0]["backup_id"]
    for _ in range(4):
        subprocess.run([sys.executable, "late.py", "first", "list"], cwd=tmp_path, check=True, capture_output=True)
    neonpay("create", "--directory", "second", "--copy-to", second)
    neonpay("delete", of_first, "--directory", "first", "--from", first, "--yes")
    assert "each as it was written" in neonpay("verify", "--directory", "second", "--from", third)
    assert not list((tmp_path / "there" / "removing").iterdir())


@pytest.mark.skipif(shutil.which("rclone") is None, reason="rclone is not installed")
def test_the_script_of_the_page_copies_with_rclone(
    neonpay: Callable[..., str], sqlite_url: str, tmp_path: Path
) -> None:
    script = re.search(r"```text\n(#!/bin/sh\n.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    assert script is not None
    (tmp_path / "offsite.sh").write_text(script.group(1))
    (tmp_path / "offsite.sh").chmod(0o700)
    (tmp_path / "rclone.conf").write_text(f"[remote]\ntype = alias\nremote = {tmp_path}\n")
    where = {"RCLONE_CONFIG": str(tmp_path / "rclone.conf"), "NEONPAY_BACKUP_PASSPHRASE": PASSPHRASE}
    target = "command:./offsite.sh"
    before = rows_in(sqlite_url)
    neonpay("create", "--copy-to", target, **where)
    shutil.rmtree(tmp_path / "backups")
    neonpay("restore", "--from", target, "--yes", **where)
    assert rows_in(sqlite_url)["neonpay_payments"] == before["neonpay_payments"]
    (one,) = json.loads(neonpay("list", "--from", target, "--json", **where))
    neonpay("delete", one["backup_id"], "--from", target, "--yes", **where)
    assert json.loads(neonpay("list", "--from", target, "--json", **where)) == []
    assert not [path for path in (tmp_path / "shop-backups").rglob("*") if path.is_file()]
