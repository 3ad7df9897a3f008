"""Which events say that Stars were earned, or given back: the ``stars`` of these add up to what a bot has earned."""

from __future__ import annotations

from typing import Final

COMPLETED: Final = "payment_completed"
REJECTED: Final = "payment_rejected"
"""What was earned and is not any more, before the Stars have gone back; below zero."""
REFUNDED: Final = "payment_refunded"
"""Stars went back; below zero when they had been earned."""
MONEY: Final = (COMPLETED, REJECTED, REFUNDED)
