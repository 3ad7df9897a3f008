"""Reports on a ledger of millions of events: each figure, the first page, the rollup, and the room that an event takes.

The ledger is filled in bulk with rows as the store writes them (``big_ledger.py``) and rolled up as a shop rolls up by itself.
Then each report is asked for, warm, beside the SQL that somebody would write for the same figure over the tables, on the same
connections; the first page of the dashboard is asked for in an application that was just made, with the file out of the cache
of the system where that can be said; and neonpay 2.6.0 reports on as many events as it holds in memory. What counts are the
ratios of one run.

    python benchmarks/analytics.py                                        # 20,000 payments, a minute
    python benchmarks/analytics.py --payments 2000000 --events 10000000   # the promise: half an hour, and 20 GB of room
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import aiohttp
import sqlalchemy as sa
from big_ledger import BOT_ID, EVENTS_EACH, fill
from environments import NotInstallableError
from raw_figures import raw_statements
from reconcile import Telegram, shop_of
from running import NEONPAY_2

from neonpay.analytics import Bucket, Period, Reports, Split, reports_of
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.testing.postgres import throwaway_postgres
from neonpay.web import create_dashboard_app, serving

WARM_TARGET_MS: Final = 100.0
COLD_TARGET_MS: Final = 1_000.0
RATIO_TARGET: Final = 1.2
FASTER_TARGET: Final = 50.0
SMALLER_TARGET: Final = 20.0
_SCRIPTS: Final = Path(__file__).parent / "contenders"
_TIMES: Final = 5
_PAGES: Final = (
    *("/", "/revenue", "/revenue?split=stage", "/revenue?split=language", "/revenue?split=source"),
    *("/subscriptions", "/products", "/funnel"),
    *("/payments", "/payments?tab=need-you", "/payments?tab=refunded", "/payments?q=100042", "/customers"),
    *("/customers?order=most", "/reconciliation", "/refunds", "/bots", "/live"),
)
_LIMIT_S: Final = 600.0
_SLOW_MS: Final = 2_000.0


@dataclass(slots=True)
class Measured:
    """What one engine has shown.

    Attributes:
        reports: milliseconds of each report, and of the SQL beside it where there is some.
        pages: milliseconds of each page of the dashboard, warm: all of its queries, and what is made of them.
    """

    engine: str
    events: int = 0
    fill_s: float = 0.0
    rollup_per_s: float = 0.0
    bytes_per_event: float = 0.0
    first_page_ms: float = 0.0
    reports: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)


async def main() -> int:
    """Measure and print; 1 when a promise is not kept."""
    arguments = _arguments()
    until = datetime.fromtimestamp(int(time.time()), UTC)
    kept: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="neonpay-analytics-") as folder:
        url = f"sqlite:///{folder}/big.db"
        measured = await _engine("SQLite", url, arguments.payments, until, lambda: _file_bytes(Path(folder)))
        kept += _show(measured)
        kept += _beside_neonpay_2(url, measured.events, until)
    if not arguments.sqlite_only:
        with throwaway_postgres() as server:
            url = server.create_database()
            kept += _show(await _engine("PostgreSQL", url, arguments.payments, until, lambda: _database_bytes(url)))
    return 0 if all(kept) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a report costs on a ledger of this size.")
    parser.add_argument("--payments", type=int, default=20_000)
    parser.add_argument("--events", type=int, help=f"{EVENTS_EACH} for each payment; said only to be read")
    parser.add_argument("--sqlite-only", action="store_true", help="leave PostgreSQL out")
    arguments = parser.parse_args()
    if arguments.events not in {None, arguments.payments * EVENTS_EACH}:
        parser.error(f"a payment has {EVENTS_EACH} events here: --events {arguments.payments * EVENTS_EACH}")
    return arguments


async def _engine(name: str, url: str, payments: int, until: datetime, size: Callable[[], Awaitable[int]]) -> Measured:
    measured = Measured(name)
    ledger = open_ledger(url)
    await ledger.open()
    await ledger.close()
    empty = await size()
    began = time.perf_counter()
    measured.events = await fill(url, payments, int(until.timestamp()) * 1_000_000)
    measured.fill_s = time.perf_counter() - began
    ledger = open_ledger(url)
    await ledger.open()
    try:
        reports = reports_of(ledger, bots=[BOT_ID], limit_s=_LIMIT_S)
        began = time.perf_counter()
        rolled_up = await reports.refresh()
        measured.rollup_per_s = rolled_up / (time.perf_counter() - began)
        measured.bytes_per_event = (await size() - empty) / measured.events
        period = Period.named("30d", now=until)
        for report, ask in _asked(reports, period).items():
            raw = raw_statements(report, "sqlite" if url.startswith("sqlite") else "postgresql")
            beside = None if raw is None else await _warm_ms(partial(_raw, ledger, raw, period))
            measured.reports[report] = (await _warm_ms(ask), beside)
    finally:
        await ledger.close()
    measured.first_page_ms, measured.pages = await _pages_ms(url)
    return measured


def _asked(reports: Reports[Any], period: Period) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "revenue by day": lambda: reports.revenue(period),
        "revenue of a year by week": lambda: reports.revenue(
            Period.named("365d", now=period.until), by=Bucket.WEEK, compare=True
        ),
        "revenue by language": lambda: reports.revenue(period, split=Split.LANGUAGE, compare=True),
        "revenue by source": lambda: reports.revenue(period, split=Split.SOURCE, compare=True),
        "orders": lambda: reports.orders(period),
        "statement": lambda: reports.statement(period, compare=True),
        "funnel": lambda: reports.funnel(period),
        "products": lambda: reports.products(period),
        "attention": reports.attention,
        "delivery times": lambda: reports.delivery_times(period),
        "subscriptions": lambda: reports.subscriptions(period),
        "account": lambda: reports.account(period),
        "customers": lambda: reports.customers(period),
    }


async def _warm_ms(ask: Callable[[], Awaitable[object]]) -> float:
    await ask()
    took: list[float] = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
        if took[0] > _SLOW_MS:
            break  # it is known well enough
    return median(took)


async def _raw(ledger: Ledger, statements: tuple[str, ...], period: Period) -> None:
    given = {
        "bot": BOT_ID,
        "since": int(period.since.timestamp() * 1_000_000),
        "until": int(period.until.timestamp() * 1_000_000),
    }

    def unit(transaction: Transaction) -> None:
        for statement in statements:
            transaction.connection.execute(sa.text(statement), given).all()

    await ledger.report(_LIMIT_S, unit)


async def _pages_ms(url: str) -> tuple[float, dict[str, float]]:
    """The first page, cold, and every page, warm."""
    if url.startswith("sqlite"):
        _forget(Path(url.removeprefix("sqlite:///")))
    async with shop_of(_Quiet(0), url) as shop:
        app = create_dashboard_app(shop, specs=[], patience_s=_LIMIT_S)
        async with serving(app, port=0) as address, aiohttp.ClientSession(address) as http:

            async def look(path: str) -> None:
                async with http.get(path) as answer:
                    await answer.read()
                assert answer.status == 200, (path, answer.status)  # noqa: PLR2004 - OK

            began = time.perf_counter()
            await look("/")
            first_ms = (time.perf_counter() - began) * 1000
            return first_ms, {path: await _warm_ms(partial(look, path)) for path in _PAGES}


class _Quiet(Telegram):
    bot_id = BOT_ID


def _forget(path: Path) -> None:
    """Have the system read the file from the disk again, where it can be told so."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def _file_bytes(folder: Path) -> int:
    return await asyncio.to_thread(lambda: sum(file.stat().st_size for file in folder.iterdir()))


async def _database_bytes(url: str) -> int:
    import asyncpg

    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
    finally:
        await connection.close()


def _show(measured: Measured) -> list[bool]:
    per_s = measured.events / measured.fill_s
    print(f"\n{measured.engine}: {measured.events:,} events, filled in {measured.fill_s:,.0f} s, {per_s:,.0f} events/s")
    print(f"{measured.bytes_per_event:,.0f} bytes per event with all tables and indexes; ", end="")
    print(f"the rollup takes {measured.rollup_per_s:,.0f} events/s")
    print(f"{'report, warm, 30 days':28}{'ms':>10}{'raw SQL, ms':>14}{'ratio':>8}")
    for name, (ours_ms, raw_ms) in measured.reports.items():
        beside = "" if raw_ms is None else f"{raw_ms:14.1f}{ours_ms / raw_ms:8.2f}"
        print(f"{name:28}{ours_ms:10.1f}{beside}")
    print(f"{'page, warm':28}{'ms':>10}")
    for path, ms in measured.pages.items():
        print(f"{path:28}{ms:10.1f}")
    slowest = max(ours_ms for ours_ms, _ in measured.reports.values())
    ratio = max(ours_ms / raw_ms for ours_ms, raw_ms in measured.reports.values() if raw_ms is not None)
    return [
        _target(f"every report, warm <= {WARM_TARGET_MS:.0f} ms", f"{slowest:.1f}", met=slowest <= WARM_TARGET_MS),
        _target(
            f"first page, cold <= {COLD_TARGET_MS:.0f} ms",
            f"{measured.first_page_ms:.0f}",
            met=measured.first_page_ms <= COLD_TARGET_MS,
        ),
        _target(f"over the raw SQL <= {RATIO_TARGET}x", f"{ratio:.2f}x", met=ratio <= RATIO_TARGET),
    ]


def _beside_neonpay_2(url: str, events: int, until: datetime) -> list[bool]:
    try:
        python = NEONPAY_2.python()
    except NotInstallableError as exc:
        print(f"skipped: {NEONPAY_2.name} cannot be installed here: {exc}")
        return []
    held = min(events, 1_000_000)
    theirs = _script(python, "with_report_of_neonpay_2.py", str(held))
    ours = _script(Path(sys.executable), "report_of_this_neonpay.py", url, str(BOT_ID), str(until.timestamp()))
    faster, smaller = theirs["report_s"] / ours["report_s"], theirs["bytes"] / max(1.0, ours["bytes"])
    print(
        f"\n{NEONPAY_2.name} with {held:,} events in memory: {theirs['report_s'] * 1000:,.0f} ms for its report, ",
        end="",
    )
    print(f"{theirs['bytes'] / 2**20:,.0f} MB; ours on {events:,} events: ", end="")
    print(f"{ours['report_s'] * 1000:,.0f} ms, {ours['bytes'] / 2**20:,.0f} MB; ", end="")
    print(
        f"{ours['more_s'] * 1000:,.0f} ms with what a buyer brings, and twelve cohorts, which {NEONPAY_2.name} does not know"
    )
    return [
        _target(f"report >= {FASTER_TARGET:.0f}x as fast", f"{faster:.1f}x", met=faster >= FASTER_TARGET),
        _target(f"memory >= {SMALLER_TARGET:.0f}x less", f"{smaller:.1f}x", met=smaller >= SMALLER_TARGET),
    ]


def _script(python: Path, name: str, *arguments: str) -> dict[str, float]:
    is_ours = python == Path(sys.executable)
    command = [str(python), str(_SCRIPTS / name), *arguments]
    environment = {name: value for name, value in os.environ.items() if is_ours or name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _target(what: str, found: str, *, met: bool) -> bool:
    print(f"target: {what}: {found}, {'met' if met else 'missed'}")
    return met


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
