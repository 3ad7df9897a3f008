"""How often somebody may try: counted in the ledger, so that neither a restart nor a second process begins anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_access import login_tries
from neonpay.web.access.cookies import digest

ACCOUNT_TRIES: Final = 5
ADDRESS_TRIES: Final = 20
WINDOW: Final = timedelta(minutes=1)
MESSAGE_TRIES: Final = 3
MESSAGE_WINDOW: Final = timedelta(minutes=10)
_KEPT: Final = timedelta(hours=1)
_INSERT = Insert(login_tries, "digest", "tries", "since")


def tries_left(transaction: Transaction, what: str, at: datetime, most: int, window: timedelta) -> int:
    """Count a try before it is made: how many are left after it in this window, below zero when it must not be made.

    A unit of work, which is the same row for everybody who tries the same at the same time.
    """
    table, connection = login_tries, transaction.connection
    connection.execute(sa.delete(table).where(table.c.since < at - _KEPT))
    key = digest(what)
    begins_anew = table.c.since <= at - window
    transaction.insert(_INSERT, (key, 0, microseconds(at)))
    counted = {
        "tries": sa.case((begins_anew, 1), else_=table.c.tries + 1),
        "since": sa.case((begins_anew, sa.literal(microseconds(at), sa.BigInteger)), else_=table.c.since),
    }
    connection.execute(sa.update(table).where(table.c.digest == key).values(counted))
    made: int = connection.execute(sa.select(table.c.tries).where(table.c.digest == key)).scalar_one()
    return most - made


def forget_tries(transaction: Transaction, what: str) -> None:
    """Somebody came in: what they tried before does not count; a unit of work."""
    transaction.connection.execute(sa.delete(login_tries).where(login_tries.c.digest == digest(what)))
