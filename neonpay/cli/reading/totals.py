"""How many rows there are of which a list shows the first: counted as far as it is worth it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from neonpay.cli.counted import Total
from neonpay.ledger import Transaction

MOST_COUNTED: Final = 10_000
"""Beyond that a list says that there may be more, since counting takes longer the more there are."""


def count_rows(
    transaction: Transaction, table: sa.Table, where: Sequence[sa.ColumnElement[bool]], *, shown: int, limit: int
) -> Total:
    """How many rows of a table meet the conditions, of which ``shown`` were found with a limit."""
    if shown < limit:
        return Total(shown)
    most = max(limit, MOST_COUNTED)
    some = sa.select(sa.literal(1)).select_from(table).where(*where).limit(most + 1).subquery()
    found = int(transaction.connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    return Total(min(found, most), may_be_more=found > most)
