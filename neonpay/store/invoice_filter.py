"""Which invoices somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from neonpay.core.events import InvoiceCreated
from neonpay.core.payments import InvoiceState
from neonpay.ledger.table_kit import is_text
from neonpay.ledger.tables import events, invoices
from neonpay.store.persons_events import of_person

NEWEST_FIRST = (invoices.c.created_at.desc(), invoices.c.invoice_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSelection:
    """Invoices that meet every condition that is given.

    Attributes:
        user_id: only those that this user alone may pay.
        since, until: bounds of the time at which they were made, aware; the first is in, the second is not.
        has_payments: only those that have been paid at least once, or only those that have not.
    """

    state: InvoiceState | None = None
    user_id: int | None = None
    stage_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_payments: bool | None = None

    def where(self, bot_id: int) -> list[sa.ColumnElement[bool]]:
        """The conditions on rows of the invoices of a bot."""
        where = [invoices.c.bot_id == bot_id]
        if self.state is not None:
            where.append(invoices.c.state == self.state.value)
        if self.user_id is not None:
            # By what was told of that person, for which there is an index; every invoice is told of in its own transaction.
            where += [invoices.c.user_id == self.user_id, invoices.c.invoice_id.in_(_made_for(bot_id, self.user_id))]
        if self.stage_id is not None:
            where.append(invoices.c.stage_id == self.stage_id)
        if self.since is not None:
            where.append(invoices.c.created_at >= self.since)
        if self.until is not None:
            where.append(invoices.c.created_at < self.until)
        if self.has_payments is not None:
            where.append(invoices.c.payments_count > 0 if self.has_payments else invoices.c.payments_count == 0)
        return where


def _made_for(bot_id: int, user_id: int) -> sa.Select[tuple[str | None]]:
    return sa.select(events.c.invoice_id).where(
        *of_person(bot_id, user_id), is_text(events.c.name, InvoiceCreated.name)
    )
