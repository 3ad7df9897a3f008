"""Units that run somebody else's code and may block: each on an event loop that nobody else waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Concatenate, Protocol

from neonpay.errors import LedgerClosedError
from neonpay.ledger.unit import A, Ledger, P, T, Transaction

LANES = 4
"""Units that may block at the same time without one of them waiting for another; each lane is a thread and a connection."""


class Lane(Ledger, Protocol):
    """A ledger whose event loop is in a thread of its own."""

    @property
    def handed_in(self) -> int:
        """How much work was taken and is not done."""
        ...


class Lanes:
    """A ledger of several ledgers on one database, each with an event loop in a thread and a connection of its own.

    A unit goes where nothing else runs, and waits for another unit only when all lanes are taken.

    Args:
        new_lane: makes a lane, not opened yet.
        most: how many there may be.
    """

    def __init__(self, new_lane: Callable[[], Lane], *, most: int = LANES) -> None:
        self._new_lane = new_lane
        self._most = most
        self._deciding = threading.Lock()
        self._lanes: list[Lane] = []
        self._closed = False

    @property
    def apart(self) -> Ledger:
        """This ledger."""
        return self

    async def open(self) -> None:
        """Check that the database can be used; does nothing when that has happened."""
        await self._lane().open()

    def open_sync(self) -> None:
        """``open`` for a thread without an event loop."""
        self._lane().open_sync()

    async def close(self) -> None:
        """Finish the units that run and end the threads; later units raise LedgerClosedError."""
        for lane in self._end():
            await lane.close()

    def close_sync(self) -> None:
        """``close`` for a thread without an event loop."""
        for lane in self._end():
            lane.close_sync()

    async def run(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, once its effect is durable."""
        return await self._lane().run(unit, *args, **kwargs)

    async def run_ahead(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run``, on the connection of a lane that no other unit of it waits for."""
        return await self._lane().run_ahead(unit, *args, **kwargs)

    async def run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> T:
        """What the unit returned for this item, once its effect is durable."""
        return await self._lane().run_each(unit, item)

    async def read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned; it must not write."""
        return await self._lane().read(unit, *args, **kwargs)

    async def report(
        self, limit_s: float, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the unit returned; LedgerTimeoutError when it takes longer than ``limit_s``."""
        return await self._lane().report(limit_s, unit, *args, **kwargs)

    def run_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` for a thread without an event loop."""
        return self._lane().run_sync(unit, *args, **kwargs)

    def read_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread without an event loop."""
        return self._lane().read_sync(unit, *args, **kwargs)

    def _lane(self) -> Ledger:
        with self._deciding:
            if self._closed:
                msg = "the ledger is closed; nothing was written"
                raise LedgerClosedError(msg)
            lane = min(self._lanes, key=lambda lane: lane.handed_in, default=None)
            if lane is None or (lane.handed_in and len(self._lanes) < self._most):
                lane = self._new_lane()
                self._lanes.append(lane)
            return lane

    def _end(self) -> list[Lane]:
        with self._deciding:
            self._closed = True
            return list(self._lanes)
