"""What a subscription can be."""

from __future__ import annotations

import enum


class Standing(enum.StrEnum):
    """What a subscription is at this moment."""

    ACTIVE = "active"
    """It renews when its paid period ends."""
    CANCELED = "canceled"
    """It ends with its paid period."""
    FAILED = "failed"
    """It was to renew, and the buyer had not enough Stars."""
    ENDED = "ended"
    """Its paid period is over."""
