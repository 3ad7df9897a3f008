"""A ledger for a program that says that it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Concatenate, NoReturn

from neonpay.errors import LedgerReadOnlyError
from neonpay.ledger.unit import A, Ledger, P, T, Transaction


class ReadingLedger:
    """The ledger of another program: it is read, and whatever would write is refused before it begins."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def apart(self) -> Ledger:
        """Itself: nothing is written, and nobody else's code is run."""
        return self

    async def open(self) -> None:
        """Open it as it is."""
        await self._ledger.open()

    async def close(self) -> None:
        """Finish what reads, then give everything back."""
        await self._ledger.close()

    async def run(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises LedgerReadOnlyError; nothing has run."""
        _refuse()

    async def run_ahead(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises LedgerReadOnlyError; nothing has run."""
        _refuse()

    async def run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> T:
        """Raises LedgerReadOnlyError; nothing has run."""
        _refuse()

    async def read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned."""
        return await self._ledger.read(unit, *args, **kwargs)

    async def report(
        self, limit_s: float, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the unit returned; LedgerTimeoutError when it takes longer than ``limit_s``."""
        return await self._ledger.report(limit_s, unit, *args, **kwargs)

    def run_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises LedgerReadOnlyError; nothing has run."""
        _refuse()

    def read_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread without an event loop."""
        return self._ledger.read_sync(unit, *args, **kwargs)

    def open_sync(self) -> None:
        """``open`` for a thread without an event loop."""
        self._ledger.open_sync()

    def close_sync(self) -> None:
        """``close`` for a thread without an event loop."""
        self._ledger.close_sync()


def _refuse() -> NoReturn:
    msg = 'this program said that it only reads; leave out role="reads", or say role="offers", where it is to change something'
    raise LedgerReadOnlyError(msg)
