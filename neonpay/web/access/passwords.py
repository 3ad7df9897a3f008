"""Passwords, which nobody keeps: argon2id makes of each what a copy of the ledger gives no password for."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS: Final = 10
MAX_CHARS: Final = 256


def is_long_enough(password: str) -> bool:
    """Whether somebody may choose this password: 10 to 256 characters."""
    return MIN_CHARS <= len(password) <= MAX_CHARS


def hashed(password: str) -> str:
    """What is kept of a password; takes some time, as it should."""
    return PasswordHasher().hash(_bytes(password))


async def is_right(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes as long where there is none, so that nobody learns which accounts there are."""
    return await asyncio.to_thread(_is_right, password_hash, password[: MAX_CHARS + 1])


def _is_right(password_hash: str | None, password: str) -> bool:
    try:
        PasswordHasher().verify(password_hash or _nobodys(), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # a form in UTF-7 may hold halves of characters


@cache
def _nobodys() -> str:
    return hashed("the password of nobody")
