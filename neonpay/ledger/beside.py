"""Another ledger on the database of one that sells: for what takes long, and nobody who sells waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from neonpay.errors import ConfigurationError
from neonpay.ledger.unit import Ledger

if TYPE_CHECKING:
    import sqlalchemy as sa

    from neonpay.ledger.connecting import Connecting


@runtime_checkable
class HasBeside(Protocol):
    """A ledger that can be opened once more."""

    def beside(self) -> Ledger:
        """Another ledger on the same database, as it is; whoever asked for it closes it."""
        ...


@runtime_checkable
class OnServer(Protocol):
    """A ledger in a database of a server, which may have others beside it."""

    @property
    def url(self) -> sa.URL:
        """Where it is, without what says how to connect."""
        ...

    @property
    def connecting(self) -> Connecting:
        """How to connect."""
        ...


def beside(ledger: Ledger) -> Ledger:
    """Another ledger on the same database, as it is; whoever asked for it closes it.

    Raises:
        ConfigurationError: a ledger of somebody else's kind cannot be opened once more.
    """
    if not isinstance(ledger, HasBeside):
        msg = f"a {type(ledger).__name__} cannot be opened a second time; give BackupManager(config, database_url=...)"
        raise ConfigurationError(msg)
    return ledger.beside()
