"""What the books look like outside: sheets and their columns."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | None


class Sheet(enum.StrEnum):
    """What can be exported."""

    PAYMENTS = "payments"
    """One row for each payment."""
    REFUNDS = "refunds"
    """One row for each refund that was asked for."""
    JOURNAL = "journal"
    """One row for each account of each journal entry; the rows of an event add up to zero."""
    DAILY = "daily"
    """The journal of an accountant: one row for each account of each day, debit and credit, which are equal on every day."""


class Kind(enum.StrEnum):
    """What a column holds, for files that say so."""

    TEXT = "text"
    NUMBER = "number"
    """A whole number."""
    FRACTION = "fraction"
    FLAG = "flag"
    TIME = "time"
    """Aware, ISO 8601 in UTC."""
    DAY = "day"


_ESTIMATE = ("estimate_usd", "estimate_usd_per_star", "estimate_rate_read_on")
"""What the Stars of a row would bring as a reward, by a rate that was read on that day; it decides nothing."""
NAMES = ("username", "first_name")
"""What a sheet that has buyers gets beside its columns when their names are asked for."""
WITH_BUYERS = frozenset({Sheet.PAYMENTS, Sheet.REFUNDS})
_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        **dict.fromkeys(
            ("user_id", "bot_id", "amount_stars", "nanostars", "stage_version", "number", "seal", "rows"), Kind.NUMBER
        ),
        **dict.fromkeys(("debit_stars", "credit_stars", "debit_nanostars", "credit_nanostars"), Kind.NUMBER),
        **dict.fromkeys(("estimate_usd", "estimate_usd_per_star"), Kind.FRACTION),
        **dict.fromkeys(("is_recurring", "is_first_recurring"), Kind.FLAG),
        **dict.fromkeys(
            ("paid_at", "recorded_at", "subscription_expires_at", "requested_at", "finished_at", "at"), Kind.TIME
        ),
        **dict.fromkeys(("day", "estimate_rate_read_on"), Kind.DAY),
    }
)


def kind_of(column: str) -> Kind:
    """What a column holds."""
    return _KINDS.get(column, Kind.TEXT)


def columns_of(sheet: Sheet, *, with_names: bool = False) -> tuple[str, ...]:
    """The columns of a sheet, with the names of buyers at the end where there are buyers and names are asked for."""
    return (*COLUMNS[sheet], *(NAMES if with_names and sheet in WITH_BUYERS else ()))


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
            "bot_id",
            *_ESTIMATE,
            "title",
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
            "bot_id",
            *_ESTIMATE,
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
            "bot_id",
        ),
        Sheet.DAILY: (
            "bot_id",
            "day",
            "account",
            "debit_stars",
            "credit_stars",
            "debit_nanostars",
            "credit_nanostars",
            "rows",
        ),
    }
)
"""Columns by sheet; new ones are only ever added at the end."""
