"""Killed at any step, a backup or a restore leaves what was there, and the next one does what it did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.backup.conftest import Kit, rows_in, schemas_of_restores
from tests.integration.backup.killed import BACKUP, IN_A_SCHEMA, RESTORE, RESTORE_OF_A_FILE, SWAP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.long, pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")]


@contextmanager
def killing(kit: Kit, url: str) -> Iterator[Callable[[str, str], int]]:
    """By what signal it has ended, when it was to end at a step."""
    line = [sys.executable, "-m", "tests.integration.backup.killed", str(kit.folder.path), url]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, answers = process.stdin, process.stdout

        def kill(step: str, backup_id: str) -> int:
            told.write(f"{step}:{backup_id}\n")
            told.flush()
            return int(answers.readline())

        yield kill
        told.close()
    assert process.returncode == 0


def test_a_backup_that_is_killed_leaves_those_of_before(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    kit.fill(sqlite_url.replace("neonpay.db", "other.db"), seed=9)
    other = sqlite_url.replace("neonpay.db", "other.db")
    before = rows_in(other)
    with killing(kit, other) as kill:
        for step in BACKUP:
            assert kill(step, "") == signal.SIGKILL, step
            assert kit.folder.ids() == [made.backup_id]
            assert kit.verify(made.backup_id).is_opened
    assert rows_in(other) == before
    again = kit.save(other)
    assert kit.verify(again.backup_id).is_opened
    left = [*kit.folder.path.rglob(".tmp-*"), *Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("*.copy-*")]
    assert not left


def test_a_restore_that_is_killed_leaves_what_was_there(kit: Kit, database_url: str) -> None:
    kit.fill(database_url)
    made = kit.save(database_url)
    kit.sell(database_url)
    before = rows_in(database_url)
    with killing(kit, database_url) as kill:
        for step in (*RESTORE, *(SWAP if database_url.startswith("sqlite") else IN_A_SCHEMA)):
            assert kill(step, made.backup_id) == signal.SIGKILL, step
            assert rows_in(database_url) == before, step
    restored = kit.restore(made.backup_id, database_url)
    assert restored.kept is not None
    assert rows_in(database_url)["neonpay_payments"] != before["neonpay_payments"]
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        assert not list(path.parent.glob("*.restoring*"))
    else:
        assert not schemas_of_restores(kit, database_url)


def test_a_restore_of_the_databases_file_that_is_killed_leaves_what_was_there(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    kit.encrypt()
    made = kit.save(sqlite_url, form="sqlite")
    kit.sell(sqlite_url)
    before = rows_in(sqlite_url)
    with killing(kit, sqlite_url) as kill:
        for step in (*RESTORE_OF_A_FILE, *SWAP):
            assert kill(step, made.backup_id) == signal.SIGKILL, step
            assert rows_in(sqlite_url) == before, step
    assert kit.restore(made.backup_id, sqlite_url).kept is not None
    assert not list(Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("*.restoring*"))
