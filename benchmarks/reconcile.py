"""The comparison of a ledger with a million of Telegram's transactions: its time and its memory, which must stay flat.

The list is made in this process, page by page, so that nothing but neonpay and its database is measured. Of a thousand rows,
996 are payments that the ledger has; one is a payment that it lost, one a refund that it did not know of, one a payment of the
host's own and one a gift. Beside it runs the least that anybody could do: for each page one SELECT of what is known and one
UPDATE that marks it, through sqlite3 alone.

    python benchmarks/reconcile.py            # a million rows: some minutes, and two gigabytes of room for the database
    python benchmarks/reconcile.py --quick    # twenty thousand rows, in seconds
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from neonpay import PaymentStage
from neonpay.app import NeonPayCore
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, UpdateSink
from neonpay.core.reports import ReconcileReport
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import events, payments
from neonpay.payments.settings import Settings
from neonpay.reconcile.reconciler import ReconcileRules

BOT_ID = 42
PRICE_STARS = 50
FOREIGN_STARS = 20
GIFT_STARS = 15
CYCLE = 1000
FOREIGN, LOST, GIFT, REFUND = 250, 500, 750, 999
STARTED_S = 1_750_000_000
MEMORY_TARGET = 1.1
"""The most that the resident memory at the end may be of what it was after the first tenth."""
_PAGE = 100
_ID_TAIL = "x" * 120
_PAYMENT = Insert(
    payments, "bot_id", "charge_id", "event_id", "user_id", "amount_stars", "currency", "state", "number", "payload",
    "paid_at", "recorded_at", "source", "is_recurring", "is_first_recurring",
)  # fmt: skip
_EVENT = Insert(events, "bot_id", "event_id", "name", "at", "charge_id", "amount_stars")


class Telegram:
    """A bot library whose Telegram is a formula."""

    library = "formula"
    capabilities = Capabilities(level=Level.A)
    bot_id = BOT_ID

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.payload = ""
        self.memory: list[tuple[int, int]] = []

    def attach(self, sink: UpdateSink) -> None:
        """There are no updates."""

    def host_data(self) -> Mapping[str, object]:
        """There is no host."""
        return {}

    async def close(self) -> None:
        """There is nothing to close."""

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """A page of the list, the balance, or an invoice link."""
        if method == "getStarTransactions":
            offset = int(str(params["offset"]))
            if offset % 10_000 < _PAGE:
                self.memory.append((offset, resident_bytes()))
            return {"transactions": [self.row(place) for place in range(offset, min(offset + _PAGE, self.rows))]}
        if method == "getMyStarBalance":
            return {"amount": self.rows // CYCLE * sum(map(effect, range(CYCLE)))}
        return "https://t.me/$benchmark"

    def row(self, place: int) -> dict[str, JsonValue]:
        """The row at a place of the list."""
        kind = place % CYCLE
        user: dict[str, JsonValue] = {"id": 1000 + place % 5000, "is_bot": False, "first_name": "Buyer"}
        partner: dict[str, JsonValue] = {"type": "user", "transaction_type": "invoice_payment", "user": user}
        partner["invoice_payload"] = "the host's own" if kind == FOREIGN else self.payload
        if kind == GIFT:
            partner = {"type": "user", "transaction_type": "gift_purchase", "user": user}
        return {
            "id": charge_id(place - 1 if kind == REFUND else place),
            "amount": abs(effect(kind)),
            "date": STARTED_S + place,
            "source" if effect(kind) > 0 else "receiver": partner,
        }


def effect(kind: int) -> int:
    """What a row of a kind does to the balance."""
    return {FOREIGN: FOREIGN_STARS, GIFT: -GIFT_STARS, REFUND: -PRICE_STARS}.get(kind, PRICE_STARS)


def charge_id(place: int) -> str:
    """A charge id as long as Telegram's."""
    return f"stx{place * 2654435761 % 2**32:010d}_{place}_{_ID_TAIL}"


def resident_bytes() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def known(rows: int) -> Iterator[int]:
    """The places of the payments that the ledger has."""
    return (place for place in range(rows) if place % CYCLE not in {FOREIGN, LOST, GIFT, REFUND})


def shop_of(telegram: Telegram, database_url: str) -> NeonPayCore:
    """A shop that compares only when it is asked to, and as fast as it can."""
    rules = ReconcileRules(every_s=None, pages_per_s=1e9)
    shop = NeonPayCore(telegram, database_url=database_url, settings=Settings(reconcile=rules, messages_per_s=None))
    shop.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=PRICE_STARS))
    return shop


async def fill(database_url: str, rows: int) -> None:
    """Write the payments that the ledger has."""
    async with shop_of(Telegram(rows), database_url) as shop:
        places = known(rows)
        while batch := [place for _, place in zip(range(6400), places, strict=False)]:
            await shop.program.pipeline.ledger.run(_write, batch)


def _write(transaction: Transaction, places: list[int]) -> None:
    for start in range(0, len(places), 64):
        part = places[start : start + 64]
        paid = [(STARTED_S + place) * 1_000_000 for place in part]
        ids = [f"{at // 1000:012x}7000800000{place:010x}" for place, at in zip(part, paid, strict=True)]
        transaction.insert(
            _PAYMENT,
            *[
                (BOT_ID, charge_id(place), event_id, 1000 + place % 5000, PRICE_STARS, "XTR", "accepted", 1, "np1.benchmark",
                 at, at, "update", 0, 0)
                for place, event_id, at in zip(part, ids, paid, strict=True)
            ],
        )  # fmt: skip
        transaction.insert(
            _EVENT,
            *[
                (BOT_ID, event_id, "payment_completed", at, charge_id(place), PRICE_STARS)
                for place, event_id, at in zip(part, ids, paid, strict=True)
            ],
        )


class Took(NamedTuple):
    """Seconds of the wall and of the processor."""

    wall_s: float
    cpu_s: float

    @classmethod
    def since(cls, began: Took) -> Took:
        """What has passed since ``began``."""
        now = cls.now()
        return cls(now.wall_s - began.wall_s, now.cpu_s - began.cpu_s)

    @classmethod
    def now(cls) -> Took:
        """The clocks as they stand."""
        return cls(time.perf_counter(), time.process_time())


def least(path: Path, telegram: Telegram) -> Took:
    """What the least takes that anybody could do about the same list."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    began = Took.now()
    for offset in range(0, telegram.rows, _PAGE):
        page = [telegram.row(place) for place in range(offset, min(offset + _PAGE, telegram.rows))]
        ids = [row["id"] for row in page]
        marks = ", ".join("?" * len(ids))
        where = f"bot_id = {BOT_ID} AND charge_id IN ({marks})"
        connection.execute(f"SELECT charge_id, amount_stars FROM neonpay_payments WHERE {where}", ids).fetchall()
        connection.execute(f"UPDATE neonpay_payments SET is_listed = 1 WHERE {where}", ids)
    took = Took.since(began)
    connection.execute("UPDATE neonpay_payments SET is_listed = NULL")
    connection.close()
    return took


async def compare(telegram: Telegram, database_url: str) -> tuple[Took, ReconcileReport, Took]:
    """What the first comparison takes and finds, and what the second one takes."""
    async with shop_of(telegram, database_url) as shop:
        delivered = 0

        @shop.on_payment(name="deliver")
        async def deliver() -> None:
            nonlocal delivered
            delivered += 1

        telegram.payload = (await shop.create_payment_link("vip")).payload
        began = Took.now()
        report = await shop.books.reconcile()
        took = Took.since(began)
        await shop.program.drain()
        began = Took.now()
        again = await shop.books.reconcile()
        idle = Took.since(began)
    whole = telegram.rows // CYCLE
    found = (report.checked, report.recovered, report.refunded, report.foreign, report.moved, delivered)
    expected = (telegram.rows, whole, whole, whole, whole, whole)
    if found != expected or not report.is_clean or again.checked or not again.is_clean:
        print(f"the comparison is wrong: found {found}, expected {expected}; {report}; {again}", file=sys.stderr)
        sys.exit(1)
    return took, report, idle


def main() -> int:
    """Measure and print; 1 when something was not found or memory grew."""
    parser = argparse.ArgumentParser(description="What the comparison with a long list of transactions costs.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the list, whole thousands")
    parser.add_argument("--quick", action="store_true", help="twenty thousand rows")
    parser.add_argument("--fill", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    rows: int = 20_000 if arguments.quick else arguments.rows // CYCLE * CYCLE
    logging.getLogger("neonpay").setLevel(logging.CRITICAL)
    if arguments.fill:
        asyncio.run(fill(arguments.fill, rows))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "shop.db")
        url = f"sqlite:///{path}"
        print(f"writing the {rows:,} rows of the ledger", file=sys.stderr)
        # In a process of its own, so that its memory is not counted.
        subprocess.run([sys.executable, __file__, "--fill", url, "--rows", str(rows)], check=True)
        telegram = Telegram(rows)
        bare = least(path, telegram)
        took, report, idle = asyncio.run(compare(telegram, url))
    return _show(rows, took, bare, idle, telegram.memory, report)


def _show(rows: int, took: Took, bare: Took, idle: Took, memory: list[tuple[int, int]], report: ReconcileReport) -> int:
    tenth = max(size for offset, size in memory if offset <= rows / 10)
    peak = max(size for _, size in memory)
    grown = peak / tenth
    print(
        f"{rows:,} transactions compared in {took.wall_s:.1f} s, {took.cpu_s / rows * 1e6:.0f} µs of processor time "
        f"each; found: "
        f"{report.recovered:,} lost payments, {report.refunded:,} refunds, {report.foreign:,} of the host, "
        f"{report.moved:,} gifts"
    )
    print(
        f"over the least that sqlite3 alone could do ({bare.wall_s:.1f} s): {took.wall_s / bare.wall_s:.1f}× the time, "
        f"{took.cpu_s / bare.cpu_s:.1f}× the processor time"
    )
    print(f"the next comparison, with nothing new: {idle.wall_s * 1000:.1f} ms")
    verdict = "met" if grown <= MEMORY_TARGET else "missed"
    print(
        f"target: peak memory <= {MEMORY_TARGET:.2f}× what it was after a tenth ({tenth / 2**20:.0f} MiB): "
        f"{peak / 2**20:.0f} MiB, {grown:.2f}×, {verdict}"
    )
    return 0 if verdict == "met" else 1


if __name__ == "__main__":
    sys.exit(main())
