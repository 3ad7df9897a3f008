"""Who is in: a row for each browser that has signed in. The ledger keeps a digest of its id, so that a copy opens no door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.core.text import fit
from neonpay.ledger import Transaction
from neonpay.ledger.tables_access import accounts, sessions
from neonpay.web.access.accounts import Account, find_account

LIVES: Final = timedelta(days=30)
IDLE: Final = timedelta(days=7)
"""A session that nobody has used for so long is over."""
NOTED_EVERY: Final = timedelta(minutes=1)
_AGENT_MAX_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    session_hash: str
    account: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    agent: str


def open_session(
    transaction: Transaction, session_hash: str, account: str, role: str, at: datetime, address: str, agent: str
) -> None:
    """Sign a browser in; a unit of work."""
    transaction.connection.execute(sa.delete(sessions).where(sessions.c.ends_at < at))
    transaction.connection.execute(
        sa.insert(sessions).values(
            session_hash=session_hash,
            account=account,
            role=role,
            made_at=at,
            seen_at=at,
            ends_at=at + LIVES,
            address=address,
            agent=fit(agent, _AGENT_MAX_CHARS),
        )
    )


def account_of(transaction: Transaction, session_hash: str, at: datetime) -> tuple[Account, datetime] | None:
    """Whose session it is, and when it was last noted that it was used; None when it is over. A unit of work."""
    query = sa.select(sessions.c.account, sessions.c.seen_at).where(sessions.c.session_hash == session_hash, _lives(at))
    row = transaction.connection.execute(query).first()
    account = None if row is None else find_account(transaction, row[0])
    return None if account is None or row is None else (account, row[1])


def note_seen(transaction: Transaction, session_hash: str, at: datetime) -> None:
    """Write down that a session is used; a unit of work."""
    changed = sa.update(sessions).where(sessions.c.session_hash == session_hash).values(seen_at=at)
    transaction.connection.execute(changed)


def sessions_at(transaction: Transaction, at: datetime, account: str | None = None) -> list[Session]:
    """Those that are not over, of one account or of all, the one that was used last first; a unit of work."""
    columns = ("session_hash", "account", "made_at", "seen_at", "ends_at", "address", "agent")
    query = sa.select(*(sessions.c[each] for each in columns)).where(
        _lives(at), sessions.c.account.in_(sa.select(accounts.c.name))
    )
    if account is not None:
        query = query.where(sessions.c.account == account)
    rows = transaction.connection.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.session_hash)).all()
    return [Session(*row) for row in rows]


def revoke(
    transaction: Transaction,
    at: datetime,
    *,
    account: str | None = None,
    starts: str | None = None,
    but: str | None = None,
) -> int:
    """End sessions, and say how many; a unit of work.

    Args:
        account: only those of this account.
        starts: only the one whose digest begins like this.
        but: not this one.
    """
    ended = sa.update(sessions).where(_lives(at)).values(revoked_at=at)
    if account is not None:
        ended = ended.where(sessions.c.account == account)
    if starts is not None:
        ended = ended.where(sessions.c.session_hash.startswith(starts, autoescape=True))
    if but is not None:
        ended = ended.where(sessions.c.session_hash != but)
    return transaction.connection.execute(ended).rowcount


def _lives(at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(sessions.c.revoked_at.is_(None), sessions.c.ends_at > at, sessions.c.seen_at > at - IDLE)
