"""Where a ledger is made of a backup: in steps, of which each is kept for the next ones and nobody else sees anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from neonpay.backup.swap_sqlite import NewFile
from neonpay.ledger import Transaction

T = TypeVar("T")


class Site(Protocol):
    """A ledger that is being made. What fails in a step is raised, and what was made before is nobody's."""

    def step(self, unit: Callable[[Transaction], T]) -> T:
        """A unit of work was done; what it returned."""
        ...

    def together(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """Units were done that read, or make indexes, and of which none needs another one; what each returned.

        As many at a time as the database does.
        """
        ...

    def reading(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """The same for units that only read."""
        ...


class InTransaction:
    """All steps in one transaction, one after the other."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def step(self, unit: Callable[[Transaction], T]) -> T:
        """As ``Site`` has it."""
        return unit(self._transaction)

    def together(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """As ``Site`` has it."""
        return [self.step(unit) for unit in units]

    def reading(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """As ``Site`` has it."""
        return self.together(units)


class InFile(InTransaction):
    """All steps in a file that nobody else knows of, in which SQLite has one writer and as many readers as one likes."""

    def __init__(self, transaction: NewFile) -> None:
        super().__init__(transaction)
        self._file = transaction

    def reading(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """As ``Site`` has it: every second one in a thread."""
        with (
            self._file.beside() as beside,
            ThreadPoolExecutor(1, thread_name_prefix="neonpay-restore") as pool,
        ):
            theirs = pool.submit(lambda: [unit(beside) for unit in units[1::2]])
            mine = [unit(self._file) for unit in units[::2]]
            found = dict(zip(range(1, len(units), 2), theirs.result(), strict=True))
        found |= zip(range(0, len(units), 2), mine, strict=True)
        return [found[number] for number in range(len(units))]
