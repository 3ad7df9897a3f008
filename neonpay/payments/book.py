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
INSERT_JOURNAL = Insert(journal, "bot_id", "entry_id", "account", "amount_stars", "charge_id", "at")

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
    transaction.execute(
        INSERT_EVENT,
        bot_id,
        event_id,
        kind.name,
        at_us,
        user_id,
        stage_id,
        invoice_id,
        charge_id,
        amount_stars,
        reason,
        handler,
    )
    return kind(
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


def write_entry(
    transaction: Transaction, amounts: Mapping[str, int], *, bot_id: int, entry_id: str, charge_id: str, at_us: int
) -> None:
    """Write a journal entry: Stars by account, which sum to zero; what comes in is positive on ``stars``."""
    assert sum(amounts.values()) == 0, "a journal entry must balance"
    for account, amount_stars in amounts.items():
        transaction.execute(INSERT_JOURNAL, bot_id, entry_id, account, amount_stars, charge_id, at_us)
