"""What the books look like outside: sheets and their columns."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

Value: TypeAlias = str | int | bool | None


class Sheet(enum.StrEnum):
    """What can be exported."""

    PAYMENTS = "payments"
    """One row for each payment."""
    REFUNDS = "refunds"
    """One row for each refund that was asked for."""
    JOURNAL = "journal"
    """One row for each account of each journal entry; the rows of an event add up to zero."""


COLUMNS: Mapping[Sheet, tuple[str, ...]] = MappingProxyType(
    {
        Sheet.PAYMENTS: (
            "charge_id",
            "paid_at",
            "recorded_at",
            "user_id",
            "amount_stars",
            "currency",
            "state",
            "attention",
            "stage_id",
            "stage_version",
            "invoice_id",
            "number",
            "source",
            "is_recurring",
            "is_first_recurring",
            "subscription_expires_at",
        ),
        Sheet.REFUNDS: (
            "charge_id",
            "requested_at",
            "finished_at",
            "user_id",
            "amount_stars",
            "state",
            "reason",
            "requested_by",
            "source",
            "error",
        ),
        Sheet.JOURNAL: (
            "event_id",
            "at",
            "account",
            "amount_stars",
            "nanostars",
            "event",
            "charge_id",
            "user_id",
            "seal",
        ),
    }
)
"""Columns by sheet; new ones are only ever added at the end."""
