"""Commands that go on until somebody ends them."""

from __future__ import annotations

import asyncio
import signal


def told_to_stop() -> asyncio.Event:
    """Is set when Ctrl-C is pressed or the program is told to end, which then end nothing by themselves."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:
            break  # Windows: Ctrl-C raises KeyboardInterrupt instead, which asyncio.run turns into a stop
    return stopped
