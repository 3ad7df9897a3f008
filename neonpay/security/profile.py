"""What the ledger says about a user, gathered for people to look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonObject
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_security import conduct, standings
from neonpay.security.facts import Rank, SecurityEvent, Standing, ThreatLevel, UserSecurityProfile
from neonpay.security.record import DECLINED, SUSPICIOUS, UserRecord


def profile_of(transaction: Transaction, bot_id: int, user_id: int, window_us: int) -> UserSecurityProfile:
    """All that is known about a user; counts are of the window that ends now."""
    record = UserRecord(transaction, bot_id, user_id)
    decision = record.decision()
    return UserSecurityProfile(
        user_id=user_id,
        standing=_standing(transaction, bot_id, user_id, decision.rank),
        failed_attempts=record.count(DECLINED, window_us, decision.now_us),
        refunds=record.refunds(window_us, decision.now_us),
        suspicious_activities=_reports(transaction, bot_id, user_id, decision.now_us - window_us),
        last_activity=_last_activity(transaction, bot_id, user_id),
    )


def _standing(transaction: Transaction, bot_id: int, user_id: int, rank: Rank) -> Standing:
    this = (standings.c.bot_id == bot_id, standings.c.user_id == user_id)
    row = transaction.connection.execute(sa.select(standings).where(*this)).first()
    if row is None or rank is Rank.NONE:
        return Standing(user_id=user_id)
    return Standing(user_id=user_id, rank=rank, until=row.until, reason=row.reason, since=row.since)


def _reports(transaction: Transaction, bot_id: int, user_id: int, after_us: int) -> tuple[SecurityEvent, ...]:
    kinds = {SUSPICIOUS + level: level for level in ThreatLevel}
    query = (
        sa.select(conduct.c.kind, conduct.c.at, conduct.c.note)
        .where(conduct.c.bot_id == bot_id, conduct.c.user_id == user_id)
        .where(conduct.c.kind.in_(kinds), conduct.c.at > after_us)
        .order_by(conduct.c.at)
    )
    return tuple(
        _report(user_id, kinds[row.kind], row.at, jsontext.load_object(row.note))
        for row in transaction.connection.execute(query)
    )


def _report(user_id: int, level: ThreatLevel, at: datetime, note: Mapping[str, object]) -> SecurityEvent:
    return SecurityEvent(
        user_id=user_id,
        event_type=str(note["event_type"]),
        threat_level=level,
        description=str(note["description"]),
        timestamp=at.timestamp(),
        metadata=cast("JsonObject", note["metadata"]),
    )


def _last_activity(transaction: Transaction, bot_id: int, user_id: int) -> datetime | None:
    times = [
        transaction.connection.execute(
            sa.select(sa.func.max(column, type_=sa.BigInteger)).where(
                column.table.c.bot_id == bot_id, column.table.c.user_id == user_id
            )
        ).scalar_one()
        for column in (conduct.c.at, payments.c.paid_at)
    ]
    known = [time for time in times if time is not None]
    return moment(max(known)) if known else None
