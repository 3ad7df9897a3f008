"""A ledger that runs every unit of work twice, as after a COMMIT that was done and whose answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from neonpay.ledger import Ledger, Transaction


class TwiceLedger:
    """A real ledger in which the first run of each unit is committed, and the second run's outcome is what its caller gets."""

    def __init__(self, inner: Ledger) -> None:
        self._inner = inner

    @property
    def apart(self) -> TwiceLedger:
        return TwiceLedger(self._inner.apart)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def run(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await self._inner.run(unit, *args, **kwargs)
        return await self._inner.run(unit, *args, **kwargs)

    async def run_ahead(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.run(unit, *args, **kwargs)

    async def run_each(self, unit: Callable[[Transaction, Sequence[Any]], Sequence[Any]], item: Any) -> Any:
        await self._inner.run_each(unit, item)
        return await self._inner.run_each(unit, item)

    async def read(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._inner.read(unit, *args, **kwargs)

    async def report(self, limit_s: float, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._inner.report(limit_s, unit, *args, **kwargs)

    def run_sync(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._inner.run_sync(unit, *args, **kwargs)
        return self._inner.run_sync(unit, *args, **kwargs)

    def read_sync(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._inner.read_sync(unit, *args, **kwargs)

    def open_sync(self) -> None:
        self._inner.open_sync()

    def close_sync(self) -> None:
        self._inner.close_sync()
