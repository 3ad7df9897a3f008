"""What Telegram tells of a subscription beside its payments."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from neonpay.core.payments import Payment


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSubscription:
    """A subscription whose paid period is not over.

    Attributes:
        expires_at: when the period ends that was paid last, aware UTC.
        state: what that end brings, as far as Telegram has told.
        payment: of that period.
    """

    expires_at: datetime
    state: SubscriptionState
    payment: Payment

    @property
    def renews(self) -> bool:
        """Whether Telegram is to take Stars for another period."""
        return self.state is SubscriptionState.ACTIVE
