"""The book of acts: who did what in the dashboard, from where. Nobody changes it, and no page takes a row away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.core.jsontext import JsonObject, dump_whatever
from neonpay.core.secrecy import mask
from neonpay.core.text import clean_or_none
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_access import audit
from neonpay.store.ids import new_event_id
from neonpay.web.access.door import door
from neonpay.web.access.peer import address
from neonpay.web.access.viewer import viewer
from neonpay.web.access.visit import Viewer
from neonpay.web.shops import shops

if TYPE_CHECKING:
    from aiohttp import web

NO_BOT: Final = 0
"""The bot of what concerns the dashboard and no bot."""
_INSERT = Insert(audit, "bot_id", "audit_id", "at", "who", "role", "act", "subject", "detail", "address")


async def record_act(
    request: web.Request,
    *,
    act: str,
    bot_id: int | None = None,
    subject: str | None = None,
    detail: JsonObject | None = None,
) -> None:
    """Write down what whoever asks did; it is durable when this returns.

    Args:
        act: ``payment.refund``, ``payment.note``, ``job.retry``: what it is about, and what was done; a sentence of the audit
            page has this name, with its dots as underscores.
        bot_id: whose act it is; None for what concerns the dashboard.
        subject: the id of what it was done to, such as a charge id.
        detail: what else the owner may want to know; no secrets, which would be masked only if their form shows them.

    Raises:
        LedgerError: it could not be written.
    """
    at_us = door(request).clock.now_us()
    somebody = viewer(request)
    await shops(request).ledger.run(
        write_act, somebody, address(request), at_us, act, bot_id or NO_BOT, subject, detail
    )


def write_act(
    transaction: Transaction,
    somebody: Viewer,
    where_from: str,
    at_us: int,
    act: str,
    bot_id: int = NO_BOT,
    subject: str | None = None,
    detail: JsonObject | None = None,
) -> None:
    """Write an act in a transaction; a unit of work."""
    told = mask(dump_whatever(detail or {}))
    row = (
        bot_id,
        new_event_id(),
        at_us,
        somebody.name,
        somebody.role.word,
        act,
        clean_or_none(subject),
        told,
        where_from,
    )
    transaction.insert(_INSERT, row)
