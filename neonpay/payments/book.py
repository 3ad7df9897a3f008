"""Small writes that every part of the life of a payment makes: events and journal entries."""

from __future__ import annotations

from collections.abc import Mapping

from neonpay.core.clock import moment
from neonpay.core.events import Event
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import events, journal

INSERT_EVENT = Insert(
    events,
    "bot_id",
    "event_id",
    "name",
    "at",
    "user_id",
    "stage_id",
    "invoice_id",
    "charge_id",
    "amount_stars",
    "reason",
    "handler",
)
INSERT_JOURNAL = Insert(journal, "bot_id", "event_id", "account", "amount_stars", "at")

STARS = "stars"
"""What Telegram holds for the bot."""
REVENUE = "revenue"
"""Earned with payments that were accepted."""
UNSETTLED = "unsettled"
"""Received, and a person or a policy still decides whose it is."""
REFUNDS = "refunds"
"""Earned and given back."""


def write_event(
    transaction: Transaction,
    kind: type[Event],
    *,
    bot_id: int,
    event_id: str,
    at_us: int,
    user_id: int | None = None,
    stage_id: str | None = None,
    invoice_id: str | None = None,
    charge_id: str | None = None,
    amount_stars: int | None = None,
    reason: str | None = None,
    handler: str | None = None,
) -> Event:
    """Write a fact next to what made it true."""
    event = kind(
        bot_id=bot_id,
        event_id=event_id,
        at=moment(at_us),
        user_id=user_id,
        stage_id=stage_id,
        invoice_id=invoice_id,
        charge_id=charge_id,
        amount_stars=amount_stars,
        reason=reason,
        handler=handler,
    )
    row = event_row(
        bot_id, event_id, event.name, at_us, user_id, stage_id, invoice_id, charge_id, amount_stars, reason, handler
    )
    transaction.insert(INSERT_EVENT, row)
    return event


def event_row(  # noqa: PLR0917  # a row is its columns in their order
    bot_id: int,
    event_id: str,
    name: str,
    at_us: int,
    user_id: int | None,
    stage_id: str | None,
    invoice_id: str | None,
    charge_id: str | None,
    amount_stars: int | None,
    reason: str | None,
    handler: str | None = None,
) -> tuple[object, ...]:
    """An event as a row of its table."""
    return (
        bot_id,
        event_id,
        name,
        at_us,
        user_id,
        stage_id,
        invoice_id,
        charge_id,
        amount_stars,
        reason,
        handler,
    )


def write_entry(
    transaction: Transaction, amounts: Mapping[str, int], *, bot_id: int, event_id: str, at_us: int
) -> None:
    """Write the journal entry of an event: Stars by account, which sum to zero; what comes in is positive on ``stars``."""
    transaction.insert(INSERT_JOURNAL, *entry_rows(bot_id, event_id, at_us, amounts))


def entry_rows(bot_id: int, event_id: str, at_us: int, amounts: Mapping[str, int]) -> list[tuple[object, ...]]:
    """A journal entry as rows of its table."""
    assert sum(amounts.values()) == 0, "a journal entry must balance"
    return [(bot_id, event_id, account, stars, at_us) for account, stars in amounts.items()]
