"""The keys that sign invoice payloads: made on first use, kept in the ledger, shared by all workers of a bot.

``payments.signing.Signing.rotate`` replaces the newest; ``neonpay.books.rotate_key`` and the command ask for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from neonpay.errors import ConfigurationError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import keys

SECRET_MIN_CHARS = 16
_KEY_BYTES = 32
_INSERT = Insert(keys, "bot_id", "key_id", "secret", "created_at")


def read_keys(transaction: Transaction, bot_id: int) -> list[bytes]:
    """The bot's keys, newest first; none before its first start."""
    mine = sa.select(keys.c.secret).where(keys.c.bot_id == bot_id)
    newest_first = mine.order_by(keys.c.created_at.desc(), keys.c.key_id.desc())
    return list(transaction.connection.execute(newest_first).scalars())


def load_keys(transaction: Transaction, bot_id: int, now_us: int, token_bytes: Callable[[int], bytes]) -> list[bytes]:
    """The bot's keys, newest first; the first one is made now when there is none."""
    found = read_keys(transaction, bot_id)
    if found:
        return found
    # Two workers that start together both insert under this one key id, and the second finds the first one's key.
    insert_key(transaction, bot_id, now_us, token_bytes, key_id="first")
    return read_keys(transaction, bot_id)


def bots(transaction: Transaction) -> list[int]:
    """The bots that have sold on this ledger or are ready to: each has a key from its first start on."""
    return list(transaction.connection.execute(sa.select(keys.c.bot_id).distinct().order_by(keys.c.bot_id)).scalars())


def insert_key(
    transaction: Transaction,
    bot_id: int,
    now_us: int,
    token_bytes: Callable[[int], bytes],
    *,
    key_id: str,
) -> None:
    """Add a key that signs from now on, unless it is there; the older ones go on verifying."""
    transaction.insert(_INSERT, (bot_id, key_id, token_bytes(_KEY_BYTES), now_us))


def derived_keys(secret: str | Sequence[str] | None) -> list[bytes]:
    """Keys of the secrets that the program gives, newest first.

    Raises:
        ConfigurationError: a secret is shorter than 16 characters; its text is not shown.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret or ())
    if any(len(text) < SECRET_MIN_CHARS for text in secrets):
        msg = (
            f"secret must have at least {SECRET_MIN_CHARS} characters; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
        raise ConfigurationError(msg)
    return [hashlib.sha256(b"neonpay invoice payload\0" + text.encode()).digest() for text in secrets]
