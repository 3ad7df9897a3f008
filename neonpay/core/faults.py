"""Whose fault it is when one of many items fails."""

from __future__ import annotations

from neonpay.errors import ConfigurationError, LedgerError, TelegramError, TelegramUnreachableError

_AROUND_IT = (ConfigurationError, TelegramError, TelegramUnreachableError, OSError, MemoryError)


def is_its_own(error: BaseException) -> bool:
    """Whether an item has failed for a reason of its own, so that it will fail again and the others go on without it.

    A database that is away, locked or full, a lease that was lost, a Telegram that does not answer and a cancellation are no
    item's own.
    """
    if isinstance(error, LedgerError):
        return type(error) is LedgerError  # a subclass says what is wrong with the database, this one that it refuses
    return isinstance(error, Exception) and not isinstance(error, _AROUND_IT)
