"""Looking again, for whoever waits for what no event tells of: a row that another program writes, mostly."""

from __future__ import annotations

import asyncio
from typing import Final

_PAUSE_S: Final = 0.01


async def between_looks() -> None:
    """Let others work for a moment: whoever looks without a pause takes the processor from what it waits for."""
    await asyncio.sleep(_PAUSE_S)
