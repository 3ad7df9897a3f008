"""Counts what was paid, and what of it went back, by where the buyer came from first.

It has a task and a position of its own, so that a program of an earlier release, which fills the other rollups, leaves out
nothing here. Whoever writes or forgets where somebody came from moves what is counted already.
"""

from __future__ import annotations

from typing import Final

from neonpay.analytics.measures import BY_SOURCE
from neonpay.analytics.new_events import New
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.rollups import counting
from neonpay.ledger import Transaction


def renew_sources(transaction: Transaction, new: New, renewed: Renewed) -> None:
    """Count what is new."""
    for statement in STATEMENTS:
        transaction.execute(statement, *new)


STATEMENTS: Final = tuple(counting(sorted(BY_SOURCE)))
"""What is run for each batch."""
