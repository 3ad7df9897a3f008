"""The unit of work: a plain function over a transaction, safe to run again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter
from typing import Any, ClassVar, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

from neonpay.errors import TransactionEndedError
from neonpay.ledger.inserts import Inserts
from neonpay.ledger.lent import SAVEPOINT, LentConnection
from neonpay.ledger.statement import Among, Insert, Statement

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
Row = Sequence[Any]
_FIRST = itemgetter(0)


class Transaction(ABC):
    """What a unit of work may do. It neither commits nor rolls back: it returns or raises."""

    __slots__ = ()

    is_only_writer: ClassVar[bool]
    """Whether nobody else can write while a transaction that writes is open, so that its rows need no lock."""

    @property
    @abstractmethod
    def connection(self) -> sa.Connection:
        """The transaction as a SQLAlchemy connection, for everything that is not on the path of a payment."""

    @abstractmethod
    def execute(self, statement: Statement, *values: object) -> int:
        """Run a prepared statement; the number of rows that it changed."""

    @abstractmethod
    def rows(self, statement: Statement, *values: object) -> list[Row]:
        """Run a prepared statement; the rows that it gives back."""

    @abstractmethod
    def forget(self) -> None:
        """A unit failed: whatever it left behind in the SQLAlchemy connection is not for the next one."""

    @abstractmethod
    def limit_waits(self, limit_s: float) -> None:
        """Let statements of this transaction wait so long at most for what another one has locked; LedgerLockedError then."""

    @abstractmethod
    def control(self, sql: str) -> None:
        """Say something about savepoints to the driver."""

    def lend(self, code: Callable[[sa.Connection], T]) -> T:
        """What somebody else's code returned, given this transaction as a connection that it cannot end.

        What the code raises is raised, and what it wrote is undone, alone; the same when it overlooked that a statement had
        failed.

        Raises:
            TransactionEndedError: the code has ended the transaction by a back door, or the connection was lost in it. The
                unit has nothing left to write into, and must let this error pass.
        """
        self.control(f"SAVEPOINT {SAVEPOINT}")
        lent = LentConnection(self.connection)
        try:
            result = code(lent)
            self.control(f"RELEASE SAVEPOINT {SAVEPOINT}")
        except BaseException as exc:
            self._undo_lent(exc)
            raise
        finally:
            lent.end()
        return result

    def _undo_lent(self, error: BaseException) -> None:
        try:
            self.control(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
            self.control(f"RELEASE SAVEPOINT {SAVEPOINT}")
        except Exception:  # noqa: BLE001  # whatever the driver says, the savepoint is not there, and neither is what was before it
            self.forget()
            if isinstance(error, Exception):
                msg = "code that was lent a connection has ended its transaction, or lost it; nothing of the unit was kept"
                raise TransactionEndedError(msg) from error

    @abstractmethod
    def insert(self, insert: Insert, *rows: tuple[object, ...]) -> int:
        """Insert rows; the number of those whose key was not there yet."""

    def insert_all(self, inserts: Inserts, *rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows into several tables, a list for each; those whose key is there already are left as they are."""
        for insert, of_it in zip(inserts.each, rows, strict=True):
            if of_it:
                self.insert(insert, *of_it)

    def rows_among(self, among: Among, fixed: tuple[object, ...], *lists: Sequence[object]) -> list[Row]:
        """Run a statement about lists of values; the rows that it gives back."""
        if len(lists[0]) == 1:
            return self.rows(among.one, *fixed, *map(_FIRST, lists))
        found: list[Row] = []
        for statement, values in among.statements(fixed, *lists):
            found += self.rows(statement, *values)
        return found

    def execute_among(self, among: Among, fixed: tuple[object, ...], *lists: Sequence[object]) -> int:
        """Run a statement about lists of values; the number of rows that it changed."""
        if len(lists[0]) == 1:
            return self.execute(among.one, *fixed, *map(_FIRST, lists))
        return sum([self.execute(statement, *values) for statement, values in among.statements(fixed, *lists)])

    def row(self, statement: Statement, *values: object) -> Row | None:
        """Run a prepared statement; its first row, or None."""
        found = self.rows(statement, *values)
        return found[0] if found else None


class Ledger(Protocol):
    """A database that runs units of work.

    Units of one ledger may run at the same time; each sees the whole effect of every earlier one or none of it. All methods
    raise a subclass of LedgerError for what the database does, and whatever the unit itself raises; in both cases nothing
    of the unit was kept.
    """

    @property
    def apart(self) -> Ledger:
        """The same database for units that run somebody else's code, which may block.

        While such a unit blocks, neither the event loop of the caller nor another unit of this process stops for it, unless
        the database itself makes it wait. It opens with its first unit and closes with this ledger.
        """
        ...

    async def open(self) -> None:
        """Create or upgrade the tables and take up work; does nothing when it is open already."""
        ...

    async def close(self) -> None:
        """Finish the units that were handed in, then give everything back; later units raise LedgerClosedError."""
        ...

    async def run(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, once its effect is durable."""
        ...

    async def run_ahead(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` for a short unit that must not wait until many others have had a connection, as one that keeps leases."""
        ...

    def run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> Awaitable[T]:
        """What the unit returned for this item, once its effect is durable.

        Items that wait for the same unit at the same time are handed to it together, which costs a fraction of one unit
        each; when it raises for several, it runs again for each of them alone. It returns one result per item, in order.
        """
        ...

    async def read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned; it must not write, and it waits for no writer."""
        ...

    async def report(
        self, limit_s: float, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``read`` for what may take long: on connections of its own, in a thread of its own, which nobody who sells waits for.

        Raises:
            LedgerTimeoutError: it was not done after so many seconds, with those that it waited for another report, and what
                the database was doing for it was stopped.
        """
        ...

    def run_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` for a thread without an event loop."""
        ...

    def read_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread without an event loop."""
        ...

    def open_sync(self) -> None:
        """``open`` for a thread without an event loop."""
        ...

    def close_sync(self) -> None:
        """``close`` for a thread without an event loop."""
        ...


def one_result_each(
    transaction: Transaction, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], items: Sequence[A]
) -> Sequence[T]:
    """What the unit returned; raises TypeError, which undoes the unit, unless that is one result per item."""
    results = unit(transaction, items)
    if len(results) != len(items):
        msg = f"a unit of work returned {len(results)} results for {len(items)} items"
        raise TypeError(msg)
    return results


def raised_by_a_unit(error: BaseException) -> RuntimeError:
    """What the caller is told when a unit raised what is no fault but an order to whoever waits for it.

    CancelledError, SystemExit and StopIteration, raised where a result is awaited, would end the task of the caller, the
    program, or whatever iterates there.
    """
    told = RuntimeError(f"a unit of work raised {type(error).__name__}")
    told.__cause__ = error
    return told
