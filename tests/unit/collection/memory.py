"""A ledger that is forgotten."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from neonpay.core.clock import SystemClock
from neonpay.ledger.memory import Memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neonpay.ledger import Ledger


@asynccontextmanager
async def ledger_in_memory() -> AsyncIterator[Ledger]:
    ledger = Memory().ledger(clock=SystemClock())
    try:
        yield ledger
    finally:
        await ledger.close()
