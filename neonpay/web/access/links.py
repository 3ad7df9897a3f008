"""Links to sign in with: each opens the door once, for ten minutes. The ledger keeps a digest, so that a copy opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables_access import login_links

LIVES: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for."""

    account: str
    role: str


def keep_link(transaction: Transaction, link_hash: str, account: str, role: str, at: datetime) -> None:
    """Make a link, and forget those that are over; a unit of work."""
    transaction.connection.execute(sa.delete(login_links).where(login_links.c.ends_at < at - LIVES))
    new = {"link_hash": link_hash, "account": account, "role": role, "made_at": at, "ends_at": at + LIVES}
    transaction.connection.execute(sa.insert(login_links).values(new))


def use_link(transaction: Transaction, link_hash: str, at: datetime) -> Link | None:
    """What a link is for, once; None when it is none, was used, or is too old. A unit of work."""
    mine = login_links.c.link_hash == link_hash
    used = sa.update(login_links).where(mine, login_links.c.used_at.is_(None), login_links.c.ends_at > at)
    if transaction.connection.execute(used.values(used_at=at)).rowcount != 1:
        return None
    row = transaction.connection.execute(sa.select(login_links.c.account, login_links.c.role).where(mine)).one()
    return Link(*row)
