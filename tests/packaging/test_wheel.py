"""The wheel, as a stranger gets it: built from the tree, installed into an environment with nothing else in it."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(600)]  # packages are downloaded

SELL_NOTHING = """
import asyncio, pathlib, sys
import neonpay
from neonpay.ledger import open_ledger

async def main():
    ledger = open_ledger(f"sqlite:///{pathlib.Path.cwd()}/shop.db")
    await ledger.open()
    tables = await ledger.read(lambda tx: {
        row[0] for row in tx.connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    })
    await ledger.close()
    return tables

tables = asyncio.run(main())
assert {"stages", "invoices", "payments", "jobs"} <= {name.removeprefix("neonpay_") for name in tables}, tables
assert "site-packages" in neonpay.__file__, neonpay.__file__
for name in neonpay.__all__:
    getattr(neonpay, name)
unwanted = {"aiogram", "aiohttp", "pydantic", "asyncpg", "typer"} & set(sys.modules)
assert not unwanted, unwanted
print(neonpay.__version__)
"""


def test_the_wheel_holds_the_types_marker_the_migrations_and_the_languages_and_no_tests(
    wheel: Path, root: Path
) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "neonpay/py.typed" in names
    assert "neonpay/ledger/migrations/env.py" in names
    assert {f"neonpay/simulator/page/static/{name}" for name in ("index.html", "main.js", "tokens.css")} <= set(names)
    assert {f"neonpay/locale/ru/LC_MESSAGES/neonpay.{kind}" for kind in ("po", "mo")} <= set(names)
    versions = "neonpay/ledger/migrations/versions/"
    ours = {f"{versions}{path.name}" for path in (root / versions).glob("*.py")}
    assert {name for name in names if name.startswith(versions)} == ours
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"neonpay"}
    assert [name for name in names if "/licenses/LICENSE" in name] != []


def test_the_wheel_works_in_an_empty_environment(wheel: Path, empty: Environment, tmp_path: Path) -> None:
    empty.install(str(wheel))
    done = empty.run("python", "-W", "error", "-c", SELL_NOTHING, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    version = done.stdout.strip()

    empty.install(f"{wheel}[cli]")
    shown = empty.run("neonpay", "--version", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert version in shown.stdout
