"""Who sells while a backup is made is not kept waiting by it, nor does the database grow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.errors import BackupError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import stages
from tests.integration.backup.conftest import BOT, Kit

if TYPE_CHECKING:
    from neonpay.ledger import Transaction

LOG_MOST_BYTES = 8 * 2**20
"""SQLite writes its log back into the file once it has 4 MB, if nobody reads what was before."""


def test_the_log_of_sqlite_stays_small_while_a_backup_is_made(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url, rows=10)
    log = Path(sqlite_url.removeprefix("sqlite:///") + "-wal")
    selling = open_ledger(sqlite_url)
    sizes: list[int] = []

    def write(transaction: Transaction) -> None:
        row = {"bot_id": BOT, "stage_id": "new", "version": 1, "digest": "d", "created_at": 5}
        transaction.connection.execute(sa.delete(stages).where(stages.c.stage_id == "new"))
        transaction.connection.execute(sa.insert(stages), [{**row, "content": "x" * 500_000}])

    def sell(*_: object) -> None:
        selling.run_sync(write)
        sizes.append(log.stat().st_size)

    kit.note = sell  # type: ignore[method-assign]
    try:
        made = kit.save(sqlite_url, rest=sell)
    finally:
        selling.close_sync()
    assert len(sizes) * 500_000 > 5 * LOG_MOST_BYTES
    assert max(sizes) < LOG_MOST_BYTES
    assert {table.name: table.rows for table in made.tables}["neonpay_stages"] == 10
    assert not list(log.parent.glob("*.copy-*"))


def test_a_copy_that_a_kill_has_left_is_gone_after_the_next_backup(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    left = path.with_name(f"{path.name}.copy-1")
    left.write_bytes(b"half of it")
    kit.save(sqlite_url)
    assert not list(path.parent.glob("*.copy-*"))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system says only later that there is no room")
def test_no_room_for_the_copy_is_told(kit: Kit, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.fill(sqlite_url, rows=1500)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(BackupError, match=r"cannot be made beside .*No space left"):
        kit.save(sqlite_url)
    assert not list(Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("*.copy-*"))
