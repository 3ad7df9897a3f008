"""Ledgers with something in every table, and folders for their backups."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
import sqlalchemy as sa

from neonpay.backup.checking import Verified, verify
from neonpay.backup.encryption import Secrets
from neonpay.backup.folder import BackupFolder
from neonpay.backup.restoring import Order, Restored, restore
from neonpay.backup.saving import Wanted, save
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import extension_tables, keys, payments, sequences
from neonpay.payments.handlers.context import PaymentContext
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from neonpay.backup.manifest import Manifest
    from tests.integration.conftest import Shop

BOT = 7_000_000_001
TEXTS = ("Ünïcode ✨", "line\nbreak", 'tab\t\\ "quoted"', "", "\u2028", "x" * 300)
PASSPHRASE = "correct horse battery"


def fill(transaction: Transaction, rng: random.Random, *, rows: int = 3, bot_id: int = BOT) -> None:
    """Rows in every table, with values that some way through JSON might lose; their books say nothing."""
    for table in metadata.sorted_tables:
        if table is extension_tables:
            continue
        written = [_row(table, rng, number, bot_id) for number in range(rows)]
        if table is sequences or [column.name for column in table.primary_key.columns] == ["bot_id"]:
            written = written[:1]
        transaction.connection.execute(sa.insert(table), written)


def _row(table: sa.Table, rng: random.Random, number: int, bot_id: int) -> dict[str, Any]:
    row = {column.name: _value(column, rng, number) for column in table.columns}
    if "bot_id" in row:
        row["bot_id"] = bot_id
    return row


def _value(column: sa.Column[Any], rng: random.Random, number: int) -> object:
    is_key = column.primary_key or any(
        column.name in constraint.columns
        for constraint in column.table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    )
    if column.nullable and not is_key and rng.random() < 0.3:
        return None
    if isinstance(column.type, sa.Boolean):
        return rng.random() < 0.5
    if isinstance(column.type, sa.LargeBinary):
        return bytes(rng.randrange(256) for _ in range(rng.randrange(40)))
    if isinstance(column.type, sa.SmallInteger):
        return rng.randrange(2)
    if isinstance(column.type, sa.Text):
        return f"{number:04}-{rng.choice(TEXTS)}"
    return number + 2 if is_key else rng.choice([0, -1, 2**53 + 1, 1_790_000_000_000_000, 5])


@dataclass(kw_only=True)
class Kit:
    """One folder of backups and the clock by which they are made."""

    folder: BackupFolder
    clock: MovableClock
    secrets: Secrets = field(default_factory=Secrets)
    told: list[tuple[str, int, int]] = field(default_factory=list)

    def note(self, table: str, done: int, total: int) -> None:
        self.told.append((table, done, total))

    def encrypt(self, number: int = 1) -> None:
        """For a key, which is opened at once; a passphrase takes a second, and is meant to."""
        file = self.folder.path.parent / f"key{number}"
        if not file.exists():
            file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
        identity = pyrage.x25519.Identity.from_str(file.read_text().strip())
        self.secrets = Secrets(recipients=(str(identity.to_public()),), identity_files=(file,))

    def make(self, url: str) -> None:
        ledger = open_ledger(url, clock=self.clock)
        ledger.open_sync()
        ledger.close_sync()

    def run(self, url: str, unit: Callable[[Transaction], Any]) -> Any:
        ledger = open_ledger(url, clock=self.clock)
        try:
            return ledger.run_sync(unit)
        finally:
            ledger.close_sync()

    def fill(self, url: str, *, rows: int = 3, seed: int = 7) -> None:
        self.run(url, lambda transaction: fill(transaction, random.Random(seed), rows=rows))  # noqa: S311

    def sell(self, url: str, charge_id: str = "stx-new") -> None:
        """One payment more, whose books say nothing."""
        row = _row(payments, random.Random(1), 9_999, BOT)  # noqa: S311
        self.run(url, lambda t: t.connection.execute(sa.insert(payments), [{**row, "charge_id": charge_id}]).rowcount)

    def save(self, url: str, **wanted: Any) -> Manifest:
        """As a command does it."""
        self.clock.advance(60)
        ledger = open_ledger(url, as_it_is=True, clock=self.clock)
        try:
            order = replace(Wanted(secrets=self.secrets), **wanted)
            return save(ledger, self.folder, order, clock=self.clock, note=self.note)
        finally:
            ledger.close_sync()

    def verify(self, backup_id: str, **options: Any) -> Verified:
        return verify(self.folder, backup_id, **{"secrets": self.secrets, "note": self.note, **options})

    def restore(self, backup_id: str, url: str, **options: Any) -> Restored:
        order = Order(backup_id=backup_id, database_url=url, **{"secrets": self.secrets, **options})
        return restore(self.folder, order, clock=self.clock, note=self.note)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(folder=BackupFolder(tmp_path / "backups"), clock=MovableClock())


class Deliveries:
    """Whom a handler has given something, and whom it fails for."""

    def __init__(self, shop: Shop, *failing: int) -> None:
        self.told: list[str] = []
        self.failing = set(failing)

        @shop.neonpay.on_payment(stage="vip", name="deliver")
        async def deliver(ctx: PaymentContext) -> None:
            if ctx.payment.user_id in self.failing:
                raise OSError("not now")
            self.told.append(ctx.payment.charge_id)


def rows_in(url: str, *, without: Sequence[str] = ()) -> dict[str, list[str]]:
    """Every row of every table, in an order of their own."""

    def unit(transaction: Transaction) -> dict[str, list[str]]:
        return {
            table.name: sorted(repr(tuple(row)) for row in transaction.connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
            if table.name not in without
        }

    ledger = open_ledger(url, as_it_is=True)
    try:
        return ledger.read_sync(unit)
    finally:
        ledger.close_sync()


def schemas_of_restores(kit: Kit, url: str) -> list[str]:
    """Where ledgers are being made in a database of PostgreSQL."""
    query = sa.text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'neonpay_restoring')")
    return list(kit.run(url, lambda transaction: list(transaction.connection.execute(query).scalars())))


def key_of(url: str) -> bytes:
    ledger = open_ledger(url, as_it_is=True)
    try:
        return bytes(
            ledger.read_sync(lambda transaction: transaction.connection.scalar(sa.select(keys.c.secret)) or b"")
        )
    finally:
        ledger.close_sync()
