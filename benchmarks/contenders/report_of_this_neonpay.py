"""The same report from a ledger: how long it takes once it was asked for, and what the process holds for it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from neonpay.analytics import Period, reports_of
from neonpay.ledger import open_ledger

_TIMES = 9


def resident_bytes() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(database_url: str, bot_id: int, until_s: float) -> None:
    """Report on the last thirty days several times, and tell of the middle one: what both know, and what we know besides."""
    empty = resident_bytes()
    ledger = open_ledger(database_url)
    await ledger.open()
    try:
        reports = reports_of(ledger, bots=[bot_id], limit_s=600.0)
        period = Period.named("30d", now=datetime.fromtimestamp(until_s, UTC))
        both = (reports.revenue, reports.funnel, reports.products, reports.orders)
        took_s: dict[str, float] = {}
        for name, asks in {"report_s": both, "more_s": (*both, reports.customers)}.items():
            each: list[float] = []
            for _ in range(_TIMES):
                began = time.perf_counter()
                for ask in asks:
                    await ask(period)
                each.append(time.perf_counter() - began)
            took_s[name] = median(each)
        print(json.dumps(took_s | {"bytes": resident_bytes() - empty}))
    finally:
        await ledger.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
