"""Whom a command means by what was typed."""

from __future__ import annotations

from collections.abc import Sequence

from neonpay.cli.typed import TypedUser
from neonpay.errors import ConfigurationError
from neonpay.ledger import Transaction
from neonpay.store.people import bot_names, find_user


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


def bot_called(transaction: Transaction, known: Sequence[int], username: str, *, token_of: int | None = None) -> int:
    """The bot of this ledger that has a username.

    Args:
        token_of: the bot of the token that the command has; another one is not meant.

    Raises:
        ConfigurationError: none has it, or it is not the token's; the message says which there are.
    """
    names = bot_names(transaction, known)
    found = [bot_id for bot_id in known if names.get(bot_id) == username.lower()]
    if len(found) != 1:
        called = ", ".join(f"{bot_id} (@{names[bot_id]})" if bot_id in names else str(bot_id) for bot_id in known)
        msg = (
            f"no bot of this ledger is known as @{username}; its name is kept once a day, when it compares with Telegram; "
            f"the ledger has: {called or 'none'}"
        )
        raise ConfigurationError(msg)
    if token_of is not None and token_of != found[0]:
        msg = f"the token is that of bot {token_of}, and @{username} is bot {found[0]}"
        raise ConfigurationError(msg)
    return found[0]
