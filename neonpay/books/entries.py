"""The proof of the journal's entries: each adds up to zero, belongs to an event, and is sealed with it."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from neonpay.books.findings import FindingKind, Note, stream
from neonpay.books.sealing import select_left_out
from neonpay.core.events import (
    PaymentCompleted,
    PaymentNeedsAttention,
    PaymentRefunded,
    PaymentRejected,
    RefundRequested,
)
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, journal

LATER: Final = tuple(kind.name for kind in (RefundRequested, PaymentRejected, PaymentRefunded))
OF_PAYMENTS: Final = (PaymentCompleted.name, PaymentNeedsAttention.name, *LATER)
"""Events whose journal entries move the Stars of a payment."""
_LEFT_OUT = (
    "it has no seal although its event has a number: it was written past neonpay, or a development version left it out, which "
    "`await neonpay.books.seal()` mends"
)


class Entered(NamedTuple):
    """What was gone through.

    Attributes:
        entries: those of one event are one entry.
        unsealed: journal rows without a seal.
    """

    entries: int
    unsealed: int


class Moved(NamedTuple):
    """What entries are about.

    Attributes:
        of_charges: entries that move the Stars of a charge.
        of_none: entries that would, and whose event names no charge.
    """

    of_charges: int
    of_none: int


def prove_entries(transaction: Transaction, bot_id: int, note: Note) -> Entered:
    """Every entry of a bot was added up."""
    stars, nanostars = sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars)
    sums = sa.select(journal.c.event_id, stars.label("stars"), nanostars.label("nanostars"))
    sums = sums.where(journal.c.bot_id == bot_id).group_by(journal.c.event_id)
    entry = sums.add_columns((sa.func.count() - sa.func.count(journal.c.seal)).label("unsealed")).subquery("entry")
    is_off = sa.or_(entry.c.stars != 0, entry.c.nanostars != 0)
    counted = sa.select(sa.func.count(), sa.func.sum(entry.c.unsealed), sa.func.count(sa.case((is_off, 1))))
    entries, unsealed, off = transaction.connection.execute(counted.select_from(entry)).one()
    if off:
        for row in stream(transaction, sums.having(sa.or_(stars != 0, nanostars != 0))):
            words = f"it adds up to {row.stars} Stars and {row.nanostars} nanostars"
            note(FindingKind.UNBALANCED_ENTRY, row.event_id, words)
    if unsealed:
        for row in stream(transaction, select_left_out(bot_id)):
            note(FindingKind.UNSEALED_ENTRY, row.event_id, _LEFT_OUT)
    return Entered(int(entries), int(unsealed or 0))


def prove_events(transaction: Transaction, bot_id: int, note: Note) -> Moved:
    """The event of every entry of a bot was looked at."""
    entry = sa.select(journal.c.event_id).distinct().where(journal.c.bot_id == bot_id).subquery("entry")
    is_event = sa.and_(events.c.bot_id == bot_id, events.c.event_id == entry.c.event_id)
    moves = events.c.name.in_(OF_PAYMENTS)
    counted = sa.select(
        sa.func.count(),
        sa.func.count(events.c.event_id),
        sa.func.count(sa.case((sa.and_(moves, events.c.charge_id.is_not(None)), 1))),
        sa.func.count(sa.case((sa.and_(moves, events.c.charge_id.is_(None)), 1))),
    )
    connection = transaction.connection
    entries, known, of_charges, of_none = connection.execute(counted.outerjoin_from(entry, events, is_event)).one()
    if entries > known:
        lost = sa.select(entry.c.event_id).outerjoin_from(entry, events, is_event)
        for row in stream(transaction, lost.where(events.c.event_id.is_(None))):
            note(FindingKind.ENTRY_WITHOUT_EVENT, row.event_id, "there is no such event")
    return Moved(of_charges, of_none)
