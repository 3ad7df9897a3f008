"""The report of neonpay 2.6.0, which keeps events in memory: how long it takes, and what the process holds."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from statistics import median

from neonpay.analytics import AnalyticsCollector, AnalyticsDashboard, AnalyticsEngine, AnalyticsEvent, AnalyticsPeriod

NAMES = ("product_view", "payment_started", "payment_completed", "payment_delivered", "product_view")
STAGES = (("lessons", 250), ("phrasebook", 75), ("print", 400), ("plus", 120), ("club", 300))
DAYS = 365
TIMES = 3


def resident_bytes() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(count: int) -> None:
    """Track so many events, which it does for as long as the process lives, and report on the last thirty days."""
    collector = AnalyticsCollector(max_events=count)
    empty, now = resident_bytes(), time.time()
    for place in range(count):
        stage_id, stars = STAGES[place // len(NAMES) % len(STAGES)]
        event = AnalyticsEvent(
            event_type=NAMES[place % len(NAMES)],
            user_id=100_000 + place * 2_654_435_761 % 2**32 % max(1, count // 40),
            amount=stars if NAMES[place % len(NAMES)] == "payment_completed" else None,
            stage_id=stage_id,
        )
        event.timestamp = now - DAYS * 86_400 * (1 - place / count)
        collector.track_event(event)
    held = resident_bytes() - empty
    dashboard = AnalyticsDashboard(AnalyticsEngine(collector))
    took_s: list[float] = []
    for _ in range(TIMES):
        began = time.perf_counter()
        dashboard.generate_report(AnalyticsPeriod.DAY, 30)
        took_s.append(time.perf_counter() - began)
    print(json.dumps({"report_s": median(took_s), "bytes": held}))


main(int(sys.argv[1]))
