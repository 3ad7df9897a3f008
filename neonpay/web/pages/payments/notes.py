"""Notes on payments: what people of the shop write for each other."""

from __future__ import annotations

import re
from typing import Final

from neonpay.core.text import clean
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import notes

MOST_CHARS: Final = 2_000
_ID: Final = re.compile(r"[0-9a-f]{32}")
_INSERT: Final = Insert(
    notes,
    *("bot_id", "note_id", "charge_id", "words", "written_by", "written_at"),
    computed={"written_at": lambda delay_us: DatabaseNow() + delay_us},
)


def is_note_id(text: str) -> bool:
    """Whether a form can have been given this id for its note."""
    return _ID.fullmatch(text) is not None


def write_note(transaction: Transaction, bot_id: int, charge_id: str, note_id: str, words: str, by: str) -> bool:
    """Write a note; False when the one with this id is there already, as after a second press of its button."""
    return transaction.insert(_INSERT, (bot_id, note_id, charge_id, clean(words, MOST_CHARS), clean(by, 100), 0)) == 1
