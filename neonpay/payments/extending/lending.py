"""One hook of one extension, called in a savepoint: what it raises undoes its own writes, and nothing of the unit's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from neonpay.core.events import Event
from neonpay.ledger import Transaction
from neonpay.payments.extension import Extension, Lent
from neonpay.payments.foreign_code import call
from neonpay.store.entries import publish

T = TypeVar("T")


class LentTransaction:
    """A transaction as a hook sees it; see ``neonpay.payments.extension.Lent``."""

    def __init__(self, transaction: Transaction, connection: sa.Connection | None) -> None:
        self.transaction = transaction
        self._connection = connection
        self.published: list[Event] = []

    @property
    def is_lent(self) -> bool:
        """Whether a savepoint keeps the unit apart from what the hook does."""
        return self._connection is not None

    @property
    def connection(self) -> sa.Connection:
        """For statements."""
        return self.transaction.connection if self._connection is None else self._connection

    def publish(self, *facts: Event) -> None:
        """Write facts next to what made them true."""
        publish(self.transaction, *facts)
        self.published += facts


def lend(transaction: Transaction, extension: Extension, hook: Callable[[Lent], T]) -> tuple[T, list[Event]]:
    """What a hook returned, and the facts that it has published, to be announced once they are durable.

    Raises:
        TransactionEndedError: the hook has ended the transaction by a back door; nothing of the unit is left.
        Exception: whatever the hook has raised; nothing that it wrote is left, or, for an extension that is ``in_unit``,
            nothing of the unit may be kept.
    """
    if extension.in_unit:
        lent = LentTransaction(transaction, None)
        return hook(lent), lent.published

    def run(connection: sa.Connection) -> tuple[T, list[Event]]:
        lent = LentTransaction(transaction, connection)
        return call(lambda: hook(lent)), lent.published

    return transaction.lend(run)


def unit_of(lent: Lent) -> Transaction:
    """The transaction itself, with its prepared statements; for extensions of neonpay's own that are ``in_unit``."""
    assert isinstance(lent, LentTransaction), "hooks are given nothing else"
    assert not lent.is_lent, "this extension is not in_unit"
    return lent.transaction
