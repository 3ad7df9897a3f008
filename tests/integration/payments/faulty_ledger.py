"""A ledger that fails as it is told to, in ways that no ledger should."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from neonpay.ledger import Ledger, Transaction


class FaultyLedger:
    """A real ledger. While ``fault`` is set, each call raises what it makes, before or after the unit has run.

    Attributes:
        failed: how many calls have failed.
    """

    def __init__(self, inner: Ledger, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    @property
    def apart(self) -> FaultyLedger:
        return FaultyLedger(self._inner.apart, self._faults)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def run(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._faults.before()
        result = await self._inner.run(unit, *args, **kwargs)
        self._faults.after()
        return result

    async def run_ahead(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.run(unit, *args, **kwargs)

    async def run_each(self, unit: Callable[[Transaction, Sequence[Any]], Sequence[Any]], item: Any) -> Any:
        self._faults.before()
        result = await self._inner.run_each(unit, item)
        self._faults.after()
        return result

    async def read(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._faults.before()
        result = await self._inner.read(unit, *args, **kwargs)
        self._faults.after()
        return result

    async def report(self, limit_s: float, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._faults.before()
        result = await self._inner.report(limit_s, unit, *args, **kwargs)
        self._faults.after()
        return result

    def run_sync(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._inner.run_sync(unit, *args, **kwargs)

    def read_sync(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._inner.read_sync(unit, *args, **kwargs)

    def open_sync(self) -> None:
        self._inner.open_sync()

    def close_sync(self) -> None:
        self._inner.close_sync()


class Faults:
    """What goes wrong in all ledgers of a test at the moment."""

    def __init__(self) -> None:
        self.make: Callable[[], BaseException] | None = None
        self.is_after = False
        self.failed = 0
        self.changed = asyncio.Event()

    def before(self) -> None:
        if not self.is_after:
            self._fail()

    def after(self) -> None:
        if self.is_after:
            self._fail()

    def _fail(self) -> None:
        if self.make is not None:
            self.failed += 1
            self.changed.set()
            raise self.make()
