"""A driver of PostgreSQL that is not there, or not whole, is told with the line that brings it, however often one asks."""

from __future__ import annotations

import subprocess
import sys

import pytest

URL = "postgresql://shop:secret@127.0.0.1:1/shop"
OPENED_TWICE = f"""
from neonpay.errors import ConfigurationError
from neonpay.ledger import open_ledger
for _ in range(2):
    try:
        open_ledger("{URL}", as_it_is=True)
    except ConfigurationError as error:
        print(error)
"""


def without(package: str, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    hidden = f"import sys; sys.modules[{package!r}] = None\n{code}"
    command = [sys.executable, "-c", hidden, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("package", ["asyncpg", "greenlet"])
def test_what_the_driver_needs_is_told_each_time_that_it_is_asked_for(package: str) -> None:
    done = without(package, OPENED_TWICE)
    told = done.stdout.splitlines()
    assert (done.returncode, len(told)) == (0, 2), done.stderr
    assert all(line.startswith("PostgreSQL needs its driver; run: pip install ") for line in told)


def test_doctor_tells_of_a_driver_that_is_half_there() -> None:
    """As after `pip install asyncpg`, which does not bring what SQLAlchemy needs to use it."""
    done = without("greenlet", "from neonpay.cli.main import main; main()", "doctor", "--database", URL)
    assert done.stderr == ""
    assert "PostgreSQL needs its driver " in done.stdout
    assert 'run: pip install "asyncpg' in done.stdout
    assert "secret@" not in done.stdout
