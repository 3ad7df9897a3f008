"""One thread that writes: units that wait together share one commit, and one that fails is undone alone."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import sqlalchemy as sa

from neonpay.errors import LedgerClosedError, LedgerUnavailableError
from neonpay.ledger.faults import forked, in_sqlalchemys_words, sqlite_fault
from neonpay.ledger.fork_gate import ForkGate
from neonpay.ledger.unit import A, Transaction, one_result_each, raised_by_a_unit

logger = logging.getLogger("neonpay.ledger")

_MOST_UNITS = 256
"""Most units in one commit: enough to hide the fsync, few enough that the first does not wait for the last too long."""


_UNITS_OWN = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)
"""Errors that speak about what a unit asked for."""


_CLOSE_S = 15.0
"""How long closing waits for the last units: longer than one of them waits for another process."""


class _Submitted(NamedTuple):
    call: Callable[[Transaction], object]
    future: asyncio.Future[Any] | Future[Any]
    each: Callable[[Transaction, Sequence[Any]], Sequence[object]] | None = None
    """The unit that takes this item together with others, when there is one; ``call`` runs it for this item alone."""
    item: object = None


class _Outcome(NamedTuple):
    future: asyncio.Future[Any] | Future[Any]
    result: object
    error: BaseException | None


class GroupCommit:
    """Runs units on a connection of its own thread.

    Each transaction passes a door of ``gate``; before it is committed, ``check`` says whether the database is where it was.

    All units that wait at the same time run inside one transaction, each inside a savepoint; the results are told after the
    commit. Where all of them take many items, the savepoints are left out until one has failed. When a unit fails, its
    savepoint is rolled back. When the transaction itself is lost (SQLite ends it on a full disk or an I/O error), or its
    commit fails, the units run again one by one, so that each has an outcome of its own.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        transaction: Transaction,
        *,
        name: str,
        gate: ForkGate,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._gate, self._door = gate, gate.door()
        self._check = check
        self._connection = connection
        self._transaction = transaction
        self._waiting: list[_Submitted] = []
        self._calling: set[asyncio.AbstractEventLoop] = set()
        self._submitting = threading.Lock()
        self._closed = False
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[Transaction], object], future: asyncio.Future[Any] | Future[Any]) -> None:
        """Hand in a unit; ``future`` gets what it returned once that is on the disk, or why it is not.

        Raises:
            LedgerClosedError: nothing was handed in.
        """
        self._put(_Submitted(call, future))

    def submit_each(
        self,
        unit: Callable[[Transaction, Sequence[A]], Sequence[object]],
        item: A,
        future: asyncio.Future[Any] | Future[Any],
    ) -> None:
        """Hand in an item for a unit that takes many; see ``submit``."""
        self._put(_Submitted(lambda transaction: one_result_each(transaction, unit, [item])[0], future, unit, item))

    def _put(self, submitted: _Submitted) -> None:
        future = submitted.future
        if self._gate.is_inherited:
            raise forked()
        with self._submitting:
            if self._closed:
                msg = "the ledger is closed; nothing was written"
                raise LedgerClosedError(msg)
            self._waiting.append(submitted)
            if isinstance(future, Future):
                self._calls.put(None)
            elif (loop := future.get_loop()) not in self._calling:
                # The writer is called when the loop comes round, and not for the first unit of many: what the loop is
                # about to hand in then shares one commit, and neither thread waits for the other in the middle of it.
                self._calling.add(loop)
                loop.call_soon(self._call_from, loop)

    def _call_from(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._submitting:
            self._calling.discard(loop)
        self._calls.put(None)

    def close(self) -> None:
        """Write what was handed in, then close the connection; returns when that is done.

        In a process that was forked off, the thread is the parent's, and nothing is done.
        """
        if self._gate.is_inherited:
            return
        with self._submitting:
            self._closed = True
        self._calls.put(None)
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            logger.error("a unit still runs somebody else's code; it is left to itself")

    def _write(self) -> None:
        last = False
        while not last:
            self._calls.get()
            with self._submitting:
                waiting, self._waiting, last = self._waiting, [], self._closed
            for start in range(0, len(waiting), _MOST_UNITS):
                _tell(self._outcomes(waiting[start : start + _MOST_UNITS]))
        self._abandon()
        self._connection.close()

    def _outcomes(self, batch: list[_Submitted]) -> list[_Outcome]:
        try:
            with self._door:
                return self._commit(batch)
        except BaseException as exc:  # noqa: BLE001  # without this thread every later unit would wait for ever
            return [_failed(submitted, exc) for submitted in batch]

    def _commit(self, batch: list[_Submitted]) -> list[_Outcome]:
        try:
            self._abandon()
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as exc:
            # No unit has run. Each trying alone would wait as long for a locked file, one after another.
            return [_failed(submitted, exc) for submitted in batch]
        try:
            outcomes = self._run_batch(batch)
            # When all waiting is over, and before the log is written to: what it would keep is in a file that nobody will
            # find, or the log is that of a file that was restored in its place.
            self._check()
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except LedgerUnavailableError as exc:
            self._abandon()
            return [_failed(submitted, exc) for submitted in batch]
        except sqlite3.Error as exc:
            self._abandon()
            if len(batch) == 1:
                return [_failed(batch[0], exc)]
            # The transaction is gone and every unit in it with it.
            return [outcome for submitted in batch for outcome in self._commit([submitted])]
        return outcomes

    def _run_batch(self, batch: list[_Submitted]) -> list[_Outcome]:
        groups = _groups(batch)
        if len(batch) > 1 and all(group[0].each is not None for group in groups):
            # Units that take many items run again when one is at fault, so they need no savepoint before one is.
            try:
                outcomes = [outcome for group in groups for outcome in self._run_each(group)]
            except BaseException:  # noqa: BLE001  # with savepoints, each gets the outcome that is its own
                self._transaction.forget()
            else:
                if self._connection.in_transaction:
                    return outcomes
            self._abandon()
            self._connection.execute("BEGIN IMMEDIATE")
        outcomes = []
        for group in groups:
            outcomes += self._run_together(group) if len(group) > 1 else [self._run(group[0], alone=len(batch) == 1)]
        return outcomes

    def _run_each(self, group: list[_Submitted]) -> list[_Outcome]:
        unit = group[0].each
        assert unit is not None, "only items of one unit run together"
        results = one_result_each(self._transaction, unit, [submitted.item for submitted in group])
        return [_Outcome(s.future, result, None) for s, result in zip(group, results, strict=True)]

    def _run_together(self, group: list[_Submitted]) -> list[_Outcome]:
        self._connection.execute("SAVEPOINT unit")
        try:
            outcomes = self._run_each(group)
        except BaseException:  # noqa: BLE001  # one of the items is at fault; alone, each gets the outcome that is its own
            self._transaction.forget()
            self._connection.execute("ROLLBACK TO unit")
            self._connection.execute("RELEASE unit")
            return [self._run(submitted, alone=False) for submitted in group]
        self._connection.execute("RELEASE unit")
        return outcomes

    def _run(self, submitted: _Submitted, *, alone: bool) -> _Outcome:
        if not alone:
            self._connection.execute("SAVEPOINT unit")
        try:
            result = submitted.call(self._transaction)
        except BaseException as exc:  # noqa: BLE001  # a unit is somebody's code; whatever it raises is told to its caller
            self._transaction.forget()
            if alone:
                self._abandon()
            else:
                # Fails when SQLite has ended the transaction; then the whole batch runs again, unit by unit.
                self._connection.execute("ROLLBACK TO unit")
                self._connection.execute("RELEASE unit")
            return _failed(submitted, exc)
        if not alone:
            self._connection.execute("RELEASE unit")
        return _Outcome(submitted.future, result, None)

    def _abandon(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _groups(batch: list[_Submitted]) -> list[list[_Submitted]]:
    if len(batch) == 1:
        return [batch]
    groups: list[list[_Submitted]] = []
    together: dict[object, list[_Submitted]] = {}
    for submitted in batch:
        if submitted.each is None:
            groups.append([submitted])
        elif submitted.each in together:
            together[submitted.each].append(submitted)
        else:
            together[submitted.each] = [submitted]
            groups.append(together[submitted.each])
    return groups


def _failed(submitted: _Submitted, error: BaseException) -> _Outcome:
    if not isinstance(error, Exception) or isinstance(error, StopIteration):
        error = raised_by_a_unit(error)
    elif isinstance(error, _UNITS_OWN):
        told = in_sqlalchemys_words(error, sqlite3.Error)
        told.__cause__ = error
        error = told
    elif isinstance(error, sqlite3.Error):
        fault = sqlite_fault(error)
        fault.__cause__ = error
        error = fault
    elif isinstance(error, sa.exc.OperationalError | sa.exc.DatabaseError) and isinstance(error.orig, sqlite3.Error):
        original = error.orig
        # SQLITE_ERROR is SQL that does not fit, which is the fault of whoever wrote it and not of the database.
        if not isinstance(original, _UNITS_OWN) and getattr(original, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR:
            fault = sqlite_fault(original)
            fault.__cause__ = error
            error = fault
    return _Outcome(submitted.future, None, error)


def _tell(outcomes: list[_Outcome]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if isinstance(outcome.future, Future):
            _resolve([outcome])
        else:
            by_loop[outcome.future.get_loop()].append(outcome)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, told)
        except RuntimeError:
            # The loop was closed while its units were written: they are durable, and nobody is left to be told.
            continue


def _resolve(outcomes: list[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
