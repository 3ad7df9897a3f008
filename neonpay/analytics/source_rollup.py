"""Counts what was paid, and what of it went back, by where the buyer came from first.

It has a task and a position of its own, so that a program of an earlier release, which fills the other rollups, leaves out
nothing here. Whoever writes or forgets where somebody came from moves what is counted already.
"""

from __future__ import annotations

from typing import Final

from neonpay.analytics.measures import BY_SOURCE
from neonpay.analytics.rollups import counting, running

STATEMENTS: Final = tuple(counting(sorted(BY_SOURCE)))
"""What is run for each batch."""
renew_sources: Final = running(STATEMENTS)
