"""The newest of the invoices that somebody asks for, without going through all that were ever made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from neonpay.core.events import InvoiceCreated
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import is_text
from neonpay.ledger.tables import events, invoices
from neonpay.store.invoice_filter import NEWEST_FIRST, InvoiceSelection

_MORE: Final = 500
"""How many of those told of last are looked at beyond twice a page: clocks differ, and some are not asked for."""


def read_newest(
    transaction: Transaction, bot_id: int, selection: InvoiceSelection, limit: int
) -> Sequence[sa.RowMapping]:
    """The rows of the newest invoices of a bot that were asked for.

    Invoices have no index by their time, for which each of them would pay. Every invoice is told of in its own transaction, and
    ids of events go by time. All are gone through only if those that were told of last do not fill the page.
    """
    query = sa.select(invoices).where(*selection.where(bot_id)).order_by(*NEWEST_FIRST).limit(limit)
    if selection.user_id is None:
        of_late = query.where(invoices.c.invoice_id.in_(_told_last(bot_id, 2 * limit + _MORE)))
        found = transaction.connection.execute(of_late).mappings().all()
        if len(found) == limit:
            return found
    return transaction.connection.execute(query).mappings().all()


def _told_last(bot_id: int, count: int) -> sa.Select[tuple[str | None]]:
    is_made = (events.c.bot_id == bot_id, is_text(events.c.name, InvoiceCreated.name))
    return sa.select(events.c.invoice_id).where(*is_made).order_by(events.c.event_id.desc()).limit(count)
