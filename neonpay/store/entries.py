"""Small writes that every part of the life of a payment makes: events and journal entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import microseconds, moment
from neonpay.core.events import Event, event_of
from neonpay.core.payments import Payment
from neonpay.ledger import Insert, Inserts, Transaction
from neonpay.ledger.tables import events, journal
from neonpay.store.job_rows import INSERT_JOB_AT
from neonpay.store.sequence import index_of_late

E = TypeVar("E", bound=Event)

_INSERT_EVENT = Insert(
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
    "data",
    further=index_of_late,
)
INSERT_JOURNAL = Insert(journal, "bot_id", "event_id", "account", "amount_stars", "at")
_INSERT_ALL = Inserts(INSERT_JOURNAL, _INSERT_EVENT, INSERT_JOB_AT)

_COMMON = (
    "bot_id",
    "event_id",
    "at",
    "user_id",
    "stage_id",
    "invoice_id",
    "charge_id",
    "amount_stars",
    "reason",
    "handler",
)

STARS = "stars"
"""What Telegram holds for the bot."""
REVENUE = "revenue"
"""Earned with payments that were accepted."""
UNSETTLED = "unsettled"
"""Received, and not earned yet: a person's ``Decisions.accept`` makes it revenue, a refund, which a policy may ask for as
well, sends it back."""
REFUNDS = "refunds"
"""Earned and given back."""


def publish(transaction: Transaction, *facts: Event) -> None:
    """Write facts next to what made them true.

    They are as durable as the transaction. Listeners are told afterwards, by whoever has run it. Every event is
    written here, by ``publish_rows`` or by ``publish_with``, an extension's through ``Lent.publish``; ``books.transfer`` and a
    restore copy them, ``store.sequence`` numbers them, and ``payments.clearing`` takes a person's words out of them.
    """
    rows = [
        event_row(
            fact.bot_id,
            fact.event_id,
            fact.name,
            microseconds(fact.at),
            fact.user_id,
            fact.stage_id,
            fact.invoice_id,
            fact.charge_id,
            fact.amount_stars,
            fact.reason,
            fact.handler,
            jsontext.dump_whatever(data) if (data := fact.data) else None,
        )
        for fact in facts
    ]
    publish_rows(transaction, rows)


def publish_rows(transaction: Transaction, rows: Sequence[tuple[object, ...]]) -> int:
    """``publish`` for facts that come with every payment, as rows of ``event_row``: most are never made into events.

    Returns how many were not written before.
    """
    return transaction.insert(_INSERT_EVENT, *rows)


def publish_with(
    transaction: Transaction,
    facts: Sequence[tuple[object, ...]],
    *,
    entries: Sequence[tuple[object, ...]],
    jobs_at: Sequence[tuple[object, ...]],
) -> None:
    """``publish_rows``, with the journal entries and the jobs that the facts make, as rows."""
    transaction.insert_all(_INSERT_ALL, entries, facts, jobs_at)


def find_event(transaction: Transaction, bot_id: int, event_id: str) -> Event:
    """An event as it was published, as far as this program knows its kind; raises NoResultFound when there is none."""
    query = sa.select(events).where(events.c.bot_id == bot_id, events.c.event_id == event_id)
    return _published(transaction.connection.execute(query).mappings().one())


def events_between(transaction: Transaction, bot_id: int, after: int, last: int) -> list[tuple[int, str, Event]]:
    """The events whose numbers come after ``after`` and not after ``last``: number, name and event, in the order of numbers.

    One of a kind that this program does not know has its name here alone.
    """
    numbered = (events.c.bot_id == bot_id, events.c.number > after, events.c.number <= last)
    query = sa.select(events).where(*numbered).order_by(events.c.number)
    return [
        (int(row["number"]), str(row["name"]), _published(row))
        for row in transaction.connection.execute(query).mappings()
    ]


def _published(row: sa.RowMapping) -> Event:
    common = {name: row[name] for name in _COMMON}
    return event_of(row["name"], jsontext.load_object(row["data"] or "{}"), **common)


def about(
    kind: type[E],
    subject: Payment | Event,
    *,
    event_id: str,
    at_us: int,
    reason: str | None = None,
    handler: str | None = None,
) -> E:
    """A fact about what a payment, or an earlier fact, is about; to be published."""
    return kind(
        bot_id=subject.bot_id,
        event_id=event_id,
        at=moment(at_us),
        user_id=subject.user_id,
        stage_id=subject.stage_id,
        invoice_id=subject.invoice_id,
        charge_id=subject.charge_id,
        amount_stars=subject.amount_stars,
        reason=reason,
        handler=handler,
    )


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
    data: str | None = None,
) -> tuple[object, ...]:
    """An event as a row for ``publish_rows``."""
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
        data,
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
