"""A buyer's wish to have their Stars back."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

WORDS_MAX_CHARS = 1000
"""Longest reason that a buyer may give; a choice of ours that leaves room around it in a message."""


class RequestState(enum.StrEnum):
    """How far a buyer's request has come."""

    DRAFT = "draft"
    """The buyer has chosen the payment and not sent the request yet."""
    OPEN = "open"
    """Sent; the policy of the stage has yet to be applied, or a person has to decide."""
    APPROVED = "approved"
    """Granted; the refund itself is a fact of its own."""
    REFUSED = "refused"
    """Not granted; the Stars stay with the bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """A buyer wants the Stars of one payment back.

    Attributes:
        words: the buyer's reason, when they gave one.
        answer: what the buyer is told, when it was refused with words.
        language_code: the buyer's language as Telegram names it, where known.
        decided_by: ``policy``, ``hook:`` and the name of the hook, or the person, in the words of the program.
    """

    bot_id: int
    request_id: str
    charge_id: str
    user_id: int
    state: RequestState
    words: str | None
    answer: str | None
    decided_by: str | None
    requested_at: datetime
    decided_at: datetime | None
    language_code: str | None = None
