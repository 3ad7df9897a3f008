"""One hook of one extension, called in a savepoint: what it raises undoes its own writes, and nothing of the unit's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from neonpay.core.events import Event
from neonpay.ledger import Transaction
from neonpay.payments.foreign import call
from neonpay.store.entries import publish

T = TypeVar("T")


class LentTransaction:
    """A transaction as a hook sees it; see ``neonpay.payments.extension.Lent``."""

    def __init__(self, transaction: Transaction, connection: sa.Connection) -> None:
        self._transaction = transaction
        self.connection = connection
        self.published: list[Event] = []

    def publish(self, *facts: Event) -> None:
        """Write facts next to what made them true."""
        publish(self._transaction, *facts)
        self.published += facts


def lend(transaction: Transaction, hook: Callable[[LentTransaction], T]) -> tuple[T, list[Event]]:
    """What a hook returned, and the facts that it has published, to be announced once they are durable.

    Raises:
        TransactionEndedError: the hook has ended the transaction by a back door; nothing of the unit is left.
        Exception: whatever the hook has raised; nothing that it wrote is left.
    """

    def run(connection: sa.Connection) -> tuple[T, list[Event]]:
        lent = LentTransaction(transaction, connection)
        return call(lambda: hook(lent)), lent.published

    return transaction.lend(run)
