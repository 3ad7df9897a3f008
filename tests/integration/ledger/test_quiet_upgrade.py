"""What the log has of tables that are made."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import pytest

from neonpay.ledger.migrate import REVISIONS
from neonpay.ledger.quiet import quiet_alembic

OPENS = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
from neonpay.ledger import open_ledger
ledger = open_ledger(sys.argv[1])
ledger.open_sync()
ledger.close_sync()
logging.getLogger("alembic.runtime.migration").info("of the host's own")
"""


def test_new_tables_are_one_line_of_ours_and_none_of_alembics(database_url: str) -> None:
    # In a program of its own, since Alembic talks while it is imported, too.
    done = subprocess.run([sys.executable, "-c", OPENS, database_url], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("alembic", "neonpay"))]
    assert lines[-1] == "alembic.runtime.migration INFO of the host's own"
    (ours,) = lines[:-1]
    assert ours.startswith(f"neonpay.ledger INFO the tables of neonpay_schema are at schema {REVISIONS[-1]} now")


def test_what_the_host_has_set_for_alembic_stays_and_other_threads_and_warnings_are_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alembics = logging.getLogger("alembic.runtime.migration")
    caplog.set_level(logging.DEBUG, logger="alembic.runtime.migration")
    before = (alembics.level, list(alembics.handlers), list(alembics.filters))
    with quiet_alembic():
        alembics.info("unheard")
        alembics.warning("a warning")
        there = threading.Thread(target=alembics.info, args=("another thread",))
        there.start()
        there.join()
    alembics.info("afterwards")
    assert caplog.messages == ["a warning", "another thread", "afterwards"]
    assert (alembics.level, list(alembics.handlers), list(alembics.filters)) == before
