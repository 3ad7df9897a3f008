"""The same report from a ledger: how long it takes once it was asked for, and what the process holds for it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from neonpay.analytics import Period, reports_of
from neonpay.ledger import open_ledger


def resident_bytes() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(database_url: str, bot_id: int, until_s: float) -> None:
    """Report twice on the last thirty days, and tell of the second time."""
    empty = resident_bytes()
    ledger = open_ledger(database_url)
    await ledger.open()
    try:
        reports = reports_of(ledger, bots=[bot_id], limit_s=600.0)
        period = Period.named("30d", now=datetime.fromtimestamp(until_s, UTC))
        took_s = 0.0
        for _ in range(2):
            began = time.perf_counter()
            await reports.revenue(period)
            await reports.funnel(period)
            await reports.products(period)
            await reports.customers(period)
            took_s = time.perf_counter() - began
        print(json.dumps({"report_s": took_s, "bytes": resident_bytes() - empty}))
    finally:
        await ledger.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
