"""What Telegram tells of a subscription beside its payments."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class SubscriptionState(enum.StrEnum):
    """What the next end of a paid period brings.

    The words are Telegram's (https://core.telegram.org/bots/api#botsubscriptionupdated, read 2026-11-21).
    """

    ACTIVE = "active"
    """It renews."""
    CANCELED = "canceled"
    """It ends: the buyer or the program has cancelled it. What is paid stays paid."""
    FAILED = "failed"
    """It was to renew, and the buyer had not enough Stars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChange:
    """Telegram says that a subscription is in another state; it gives neither a charge nor a date.

    Attributes:
        payload: of the invoice that the buyer subscribed with; left out of ``repr``.
        state: as Telegram writes it, see ``SubscriptionState``; a later Telegram may know more of them.
    """

    bot_id: int
    user_id: int
    payload: str = field(repr=False)
    state: str
