"""What a shop writes beside its money while it is open: begun once payments can be recorded, ended before the ledger closes."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Writes(Protocol):
    """Something that gathers in memory and writes now and then; may be lost."""

    def start(self) -> None:
        """Write from now on, on the running event loop."""
        ...

    async def write(self) -> None:
        """Write what waits; raises LedgerError."""
        ...

    async def stop(self) -> None:
        """Write what waits, if the ledger takes it, and nothing more; raises nothing."""
        ...


class Beside:
    """All of it, of one pipeline."""

    def __init__(self, *writing: Writes) -> None:
        self._writing = list(writing)

    def add(self, writes: Writes) -> None:
        """Have one more take part; before the pipeline opens."""
        self._writing.append(writes)

    def start(self) -> None:
        """Have all of them write."""
        for writes in self._writing:
            writes.start()

    async def write(self) -> None:
        """Have all of them write what waits, now; raises LedgerError."""
        for writes in self._writing:
            await writes.write()

    async def stop(self) -> None:
        """Have all of them write what waits, and nothing more."""
        await asyncio.gather(*[writes.stop() for writes in self._writing])
