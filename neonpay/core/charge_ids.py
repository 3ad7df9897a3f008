"""The ledger's name for a charge: Telegram's id of it, or what stands for an id that no database can have in a key."""

from __future__ import annotations

import hashlib
import json
from typing import Final

CHARGE_ID_MAX_BYTES = 1_024
"""Longest id that is kept as it is, in UTF-8. Telegram promises no length, and PostgreSQL has keys of at most 2,704 bytes."""


SHORT_CHARS: Final = 12
"""How much of an id stands where people read; enough to look for, and to name a payment by in commands."""


def charge_key(charge_id: str) -> str:
    """The id itself, or a digest of one that is too long or not fit for a database; the same id has the same key."""
    if charge_id.isascii() and len(charge_id) <= CHARGE_ID_MAX_BYTES and "\0" not in charge_id:
        return charge_id
    encoded = charge_id.encode("utf-8", "surrogatepass")
    if len(encoded) <= CHARGE_ID_MAX_BYTES and "\0" not in charge_id and not _has_half_pairs(charge_id):
        return charge_id
    return f"sha256:{hashlib.sha256(encoded).hexdigest()}"


def shortened(charge_id: str) -> str:
    """The beginning of an id, with "…" where something is left out."""
    return charge_id if len(charge_id) <= SHORT_CHARS else f"{charge_id[:SHORT_CHARS]}…"


def full_id(charge_id: str) -> str | None:
    """The id when its key stands for it; None when it is its own key."""
    return None if charge_key(charge_id) == charge_id else charge_id


def write_id(charge_id: str | None) -> str | None:
    """An id as text that every database can keep, whatever is in it."""
    return None if charge_id is None else json.dumps(charge_id)


def read_id(text: str | None) -> str | None:
    """The id that ``write_id`` wrote."""
    return None if text is None else str(json.loads(text))


def _has_half_pairs(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
