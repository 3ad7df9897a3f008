"""Words about a person in rows that stay: facts without their reason, acts without theirs."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from neonpay.core.events import (
    MessageQueued,
    RefundRequestApproved,
    RefundRequested,
    RefundRequestRefused,
    RefundReviewRequested,
    UserBlocked,
    UserReported,
    UserTrusted,
    UserUnblocked,
)
from neonpay.core.jsontext import dump_whatever, load_object
from neonpay.ledger import Transaction
from neonpay.ledger.tables import IS_UNFINISHED, events, jobs
from neonpay.ledger.tables_access import audit
from neonpay.store.persons_events import of_person

_REASONED: Final = (
    RefundRequested,
    RefundReviewRequested,
    RefundRequestApproved,
    RefundRequestRefused,
    UserBlocked,
    UserReported,
    UserTrusted,
    UserUnblocked,
)
"""Facts whose reason is in somebody's own words."""
_TOLD: Final = (RefundRequestApproved, RefundRequestRefused, MessageQueued)
"""Facts with more that was said."""
_WORDS: Final = frozenset({"answer", "message", "reason"})
"""What is in words, by its name in JSON."""


def clear_facts(transaction: Transaction, bot_id: int, user_id: int) -> int:
    """The facts about a person lose their words, but for those of messages that are still to be sent; how many there were."""
    its = of_person(bot_id, user_id)
    reasoned = events.c.name.in_([kind.name for kind in _REASONED])
    change = sa.update(events).where(*its, reasoned, events.c.reason.is_not(None)).values(reason=None)
    count = transaction.connection.execute(change).rowcount
    is_to_be_sent = sa.exists().where(
        jobs.c.bot_id == events.c.bot_id, jobs.c.event_id == events.c.event_id, IS_UNFINISHED
    )
    told = events.c.name.in_([kind.name for kind in _TOLD])
    query = sa.select(events.c.event_id, events.c.data).where(*its, told, events.c.data.is_not(None), ~is_to_be_sent)
    for event_id, data in transaction.connection.execute(query).all():
        key = (events.c.bot_id == bot_id, events.c.event_id == event_id)
        count += _clear(transaction, events, key, events.c.data, data)
    return count


def clear_acts(transaction: Transaction, bot_id: int, user_id: int, charges: sa.Select[Any]) -> int:
    """What was done on the dashboard about a person or their payments loses its words; how many acts there were."""
    about = sa.or_(audit.c.subject == str(user_id), audit.c.subject.in_(charges))
    query = sa.select(audit.c.audit_id, audit.c.detail).where(audit.c.bot_id == bot_id, about)
    count = 0
    for audit_id, detail in transaction.connection.execute(query).all():
        key = (audit.c.bot_id == bot_id, audit.c.audit_id == audit_id)
        count += _clear(transaction, audit, key, audit.c.detail, detail)
    return count


def _clear(
    transaction: Transaction,
    table: sa.Table,
    key: tuple[sa.ColumnElement[bool], ...],
    column: sa.Column[str],
    text: str,
) -> int:
    said = load_object(text)
    left = {name: value for name, value in said.items() if name not in _WORDS or not value}
    if left == said:
        return 0
    transaction.connection.execute(sa.update(table).where(*key).values({column: dump_whatever(left)}))
    return 1
