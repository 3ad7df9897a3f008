"""Whom a command means by what was typed."""

from __future__ import annotations

from collections.abc import Sequence

from neonpay.cli.typed import TypedUser
from neonpay.errors import ConfigurationError
from neonpay.ledger import Transaction
from neonpay.store.people import find_user


def user_id_of(transaction: Transaction, bots: Sequence[int], typed: TypedUser | None) -> int | None:
    """The id of a user who was typed; None when none was.

    Raises:
        ConfigurationError: nobody was seen with this username; the message says what to type.
    """
    if typed is None or typed.user_id is not None:
        return None if typed is None else typed.user_id
    found = find_user(transaction, bots, typed.username)
    if found is None:
        msg = (
            f"nobody was seen with the username @{typed.username}; names are kept of who has paid or asked since this version, "
            "as they were then; give the user id, as in --user 123456789"
        )
        raise ConfigurationError(msg)
    return found
