"""A large ledger saved and restored: time, size and memory, beside the database's own copy with zstd, and what payments wait.

    python benchmarks/backup.py --payments 1000000

The ledger is filled by SQL with payments as a shop leaves them: invoice, payment, event, two entries, two jobs each.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from neonpay.backup.encryption import Secrets
from neonpay.backup.folder import BackupFolder
from neonpay.backup.restoring import Order, restore
from neonpay.backup.saving import Wanted, save
from neonpay.backup.scheduling import rest
from neonpay.core.clock import SystemClock
from neonpay.ledger import Transaction, open_ledger

BOT = 7_000_000_001
_FILL = (
    """INSERT INTO neonpay_invoices (bot_id, invoice_id, stage_id, stage_version, user_id, price_stars, payload, metadata,
    state, created_at, payments_count) SELECT :bot, printf('inv%015d', i), 'vip', 1, 1000 + i % 5000, 50,
    hex(randomblob(40)), '{"days":30}', 'sent', 1790000000000000 + i * 1000, 1 FROM n""",
    """INSERT INTO neonpay_payments (bot_id, charge_id, event_id, user_id, amount_stars, currency, state, invoice_id, stage_id,
    stage_version, number, payload, paid_at, recorded_at, source, is_recurring, is_first_recurring)
    SELECT :bot, 'stx' || hex(randomblob(48)), printf('ev%030d', i), 1000 + i % 5000, 50, 'XTR', 'accepted',
    printf('inv%015d', i), 'vip', 1, 1, hex(randomblob(40)), 1790000000000000 + i * 1000, 1790000000000000 + i * 1000, 'update',
    0, 0 FROM n""",
    """INSERT INTO neonpay_events (bot_id, event_id, name, at, user_id, stage_id, invoice_id, amount_stars, number)
    SELECT :bot, printf('ev%030d', i), 'payment_completed', 1790000000000000 + i * 1000, 1000 + i % 5000, 'vip',
    printf('inv%015d', i), 50, i FROM n""",
    """INSERT INTO neonpay_journal (bot_id, event_id, account, amount_stars, at) SELECT :bot, printf('ev%030d', i), account,
    stars, 1790000000000000 + i * 1000 FROM n, (SELECT 'stars' AS account, 50 AS stars UNION ALL SELECT 'revenue', -50)""",
    """INSERT INTO neonpay_jobs (bot_id, event_id, consumer, state, attempts, run_at) SELECT :bot, printf('ev%030d', i),
    consumer, 'done', 1, 1790000000000000 + i * 1000
    FROM n, (SELECT 'handler:deliver' AS consumer UNION ALL SELECT 'neonpay:thank_you')""",
)


def fill(path: Path, first: int, count: int) -> None:
    """So many payments more."""
    with sqlite3.connect(path) as raw:
        for statement in _FILL:
            numbers = (
                f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + count - 1}) "
            )
            raw.execute(numbers + statement, {"bot": BOT})
    raw.close()


class Stalls:
    """One small write after the other, as a payment makes them, beside whatever runs."""

    def __init__(self, url: str) -> None:
        self._ledger = open_ledger(url)
        self._ends = threading.Event()
        self.longest_s = 0.0
        self.wal_bytes = 0
        self._wal = Path(url.removeprefix("sqlite:///") + "-wal")
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        def unit(transaction: Transaction) -> None:
            transaction.connection.exec_driver_sql(
                "INSERT OR REPLACE INTO neonpay_off_sale (bot_id, stage_id, since) VALUES (1, 'x', 1)"
            )

        while not self._ends.is_set():
            began = time.perf_counter()
            self._ledger.run_sync(unit)
            self.longest_s = max(self.longest_s, time.perf_counter() - began)
            if self._wal.exists():
                self.wal_bytes = max(self.wal_bytes, self._wal.stat().st_size)
            time.sleep(0.005)

    def __enter__(self) -> Self:
        self._ledger.open_sync()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._ledger.close_sync()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--passphrase", default=None, help="measure with encryption")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="neonpay-bench-") as name:
        measure(Path(name), chosen.payments, Secrets(passphrase=chosen.passphrase))


def measure(at: Path, payments: int, secrets: Secrets) -> None:
    """One round."""
    path, url = at / "shop.db", f"sqlite:///{at / 'shop.db'}"
    ledger = open_ledger(url)
    ledger.open_sync()
    ledger.close_sync()
    fill(path, 1, payments)
    print(f"{payments:,} payments, {path.stat().st_size / 1e6:,.0f} MB")
    began = time.perf_counter()
    with sqlite3.connect(path) as source, sqlite3.connect(at / "copy.db") as copy:
        source.backup(copy)
    subprocess.run(["zstd", "-q", "-3", "-f", at / "copy.db", "-o", at / "copy.zst"], check=True)
    own_s = time.perf_counter() - began
    print(f".backup and zstd: {own_s:.1f} s, {(at / 'copy.zst').stat().st_size / 1e6:,.1f} MB")
    os.remove(at / "copy.db")
    folder, clock = BackupFolder(at / "backups"), SystemClock()

    def saved(words: str, wanted: Wanted, base_s: float | None = None) -> int:
        began = time.perf_counter()
        own = open_ledger(url, as_it_is=True)
        made = save(own, folder, wanted, clock=clock, note=lambda *_: None)
        own.close_sync()
        took = time.perf_counter() - began
        ratio = "" if base_s is None else f", {took / base_s:.2f} times"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(
            f"{words}: {took:.1f} s{ratio}, size {made.size / 1e6:,.1f} MB, new {made.added / 1e6:,.1f} MB, peak {peak:,.0f} MB"
        )
        return made.added

    first = saved("first", Wanted(secrets=secrets), own_s)
    fill(path, payments + 1, payments // 100)
    second = saved("after 1 % more", Wanted(secrets=secrets))
    print(f"  {second / first:.1%} of the first")
    with Stalls(url) as stalls:
        saved("beside a shop that writes", Wanted(secrets=secrets, rest=rest))
    print(f"  longest write {stalls.longest_s * 1000:.0f} ms, WAL {stalls.wal_bytes / 1e6:.1f} MB at most")
    with Stalls(url) as stalls:
        time.sleep(5)
    print(f"  longest write with nothing beside it {stalls.longest_s * 1000:.0f} ms")
    began = time.perf_counter()
    order = Order(backup_id=folder.ids()[-1], database_url=f"sqlite:///{at / 'restored.db'}", secrets=secrets)
    restore(folder, order, clock=clock, note=lambda *_: None)
    print(f"restored: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
