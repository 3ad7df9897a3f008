"""The time in which random histories happen: around a change of the clock, and several ends of months."""

from __future__ import annotations

from datetime import UTC, datetime

from neonpay.core.clock import microseconds

MINUTE_US = 60 * 1_000_000
DAY_US = 24 * 60 * MINUTE_US
BEGIN = microseconds(datetime(2026, 9, 20, tzinfo=UTC))
