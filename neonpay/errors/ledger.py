"""The database did not do what was asked."""

from __future__ import annotations

from neonpay.errors.base import NeonPayError


class LedgerError(NeonPayError):
    """The database did not do what was asked; nothing of the failed unit was kept."""


class LedgerUnavailableError(LedgerError):
    """The database cannot be reached or opened."""


class NoLedgerError(LedgerUnavailableError):
    """There is no ledger, and whoever asked was not to make one."""


class SchemaTooOldError(LedgerUnavailableError):
    """An older neonpay wrote the database, and whoever asked was not to upgrade it.

    Attributes:
        schema: what the database has.
        needed: what this program needs.
    """

    def __init__(self, schema: str, needed: str) -> None:
        self.schema = schema
        self.needed = needed
        super().__init__(
            f"the ledger has schema {schema!r} and this program needs {needed!r}; start the bot with this release once, "
            "which upgrades it"
        )


class LedgerLockedError(LedgerError, TimeoutError):
    """Another process held the database for longer than the wait allows."""


class LedgerTimeoutError(LedgerError, TimeoutError):
    """A report took longer than it was given, and was stopped; nobody else waited for it.

    Attributes:
        limit_s: what it was given.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        super().__init__(
            f"the report took longer than {limit_s:g} seconds and was stopped; ask for a shorter period or a larger bucket, "
            "and let one program of the shop keep the rollups: neonpay.use(Analytics())"
        )


class LedgerFullError(LedgerError):
    """No room left for the database."""


class LedgerReadOnlyError(LedgerError):
    """The database cannot be written to, or the program said with ``role="reads"`` that it only reads."""


class LedgerCorruptError(LedgerError):
    """The file is damaged or is not a database."""


class LedgerClosedError(LedgerError):
    """The ledger was closed; nothing is written any more."""


class BusyError(LedgerError):
    """Another worker has the periodic task and did not give it back in time; call again later.

    Attributes:
        task: what it is about, e.g. ``reconcile``.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f"another worker is at {task} right now; call again later")


class LeaseLostError(LedgerError):
    """Another worker has taken the job over or finished it, or a refund has ended it; nothing more of this attempt is kept."""


class TransactionEndedError(LedgerError):
    """Code that was lent a connection has ended its transaction by a back door, or the connection was lost while it had it."""


class SchemaTooNewError(LedgerError):
    """The database was written by a newer neonpay; upgrade this program."""
