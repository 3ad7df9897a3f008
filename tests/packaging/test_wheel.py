"""The wheel, as a stranger gets it: built from the tree, installed into an environment with nothing else in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.build, pytest.mark.timeout(600)]  # packages are downloaded

SELL_NOTHING = """
import asyncio, sys
import neonpay
from neonpay.ledger import open_ledger

async def main():
    ledger = open_ledger("sqlite:///shop.db")
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


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(root)],
        check=True,
        capture_output=True,
    )
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def empty_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has pip and nothing else."""
    home = tmp_path_factory.mktemp("empty") / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install(python: Path, what: str) -> None:
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", what], check=True
    )


def _run(folder: Path, *command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=_clean_environment(),
    )


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NEONPAY_", "COV"))}


def test_the_wheel_holds_the_types_marker_and_the_migrations_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "neonpay/py.typed" in names
    assert "neonpay/ledger/migrations/env.py" in names
    assert [name for name in names if name.startswith("neonpay/ledger/migrations/versions/")] != []
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"neonpay"}
    assert [name for name in names if "/licenses/LICENSE" in name] != []


def test_the_wheel_works_in_an_empty_environment(wheel: Path, empty_python: Path, tmp_path: Path) -> None:
    _install(empty_python, str(wheel))
    done = _run(tmp_path, empty_python, "-W", "error", "-c", SELL_NOTHING)
    assert (done.returncode, done.stderr) == (0, "")
    version = done.stdout.strip()

    _install(empty_python, f"{wheel}[cli]")
    command = empty_python.parent / "neonpay"
    shown = _run(tmp_path, command, "--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert version in shown.stdout
