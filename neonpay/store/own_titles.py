"""What sales were called: by their stages as they were then, and by invoices that have a title of their own."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from neonpay.core.jsontext import load_object
from neonpay.ledger import Transaction
from neonpay.ledger.tables import invoices, stages


def own_titles(transaction: Transaction, ids: Iterable[tuple[int, str | None]]) -> dict[str, str]:
    """The titles that invoices have of their own, by invoice; each is named by its bot and its id, None for none."""
    of_bot: dict[int, set[str]] = {}
    for bot_id, invoice_id in ids:
        if invoice_id is not None:
            of_bot.setdefault(bot_id, set()).add(invoice_id)
    found: dict[str, str] = {}
    for bot_id, some in of_bot.items():
        query = sa.select(invoices.c.invoice_id, invoices.c.title).where(
            invoices.c.bot_id == bot_id, invoices.c.invoice_id.in_(sorted(some)), invoices.c.title.is_not(None)
        )
        found |= {str(invoice_id): str(title) for invoice_id, title in transaction.connection.execute(query)}
    return found


def titles_of_versions(transaction: Transaction, bot_id: int) -> dict[tuple[str, int], str]:
    """What each version of each stage of a bot is called."""
    query = sa.select(stages.c.stage_id, stages.c.version, stages.c.content).where(stages.c.bot_id == bot_id)
    found = transaction.connection.execute(query)
    return {
        (stage_id, version): str(load_object(content).get("title") or stage_id) for stage_id, version, content in found
    }
