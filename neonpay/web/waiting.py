"""What stands in the frame of every page: how much waits for a person on which page, and what the bots are called."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from neonpay.core.clock import Clock
from neonpay.core.requests import RequestState
from neonpay.core.text import error_words
from neonpay.errors import LedgerError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables import refund_requests, unexplained
from neonpay.payments.waiting import count_waiting
from neonpay.store.people import bot_names

logger = logging.getLogger("neonpay.web")

_KEPT_US: Final = 1_000_000
_PATIENCE_S: Final = 1.0
"""How long a page waits for what stands in its margin."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the frame shows.

    Attributes:
        counts: how many things wait for a person, by the name of the page where they are decided.
        names: usernames of bots, without ``@``, as far as they are known.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)


class Counted:
    """Counts once a second at most, however many pages are looked at; what cannot be counted is as it was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = Waiting()
        self._until_us = 0

    async def now(self, ledger: Ledger, bots: Sequence[int]) -> Waiting:
        """What waits with these bots, which are always the same."""
        now_us = self._clock.now_us()
        if now_us >= self._until_us:
            self._until_us = now_us + _KEPT_US
            try:
                self._last = await ledger.report(_PATIENCE_S, _waiting, list(bots))
            except (LedgerError, DBAPIError) as exc:
                logger.warning("what waits for a person could not be counted: %s", error_words(exc))
        return self._last


def _waiting(transaction: Transaction, bots: Sequence[int]) -> Waiting:
    def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return int(transaction.connection.execute(query).scalar_one())

    counts = {
        "payments": count_waiting(transaction, bots),
        "refunds": count(
            refund_requests, refund_requests.c.bot_id.in_(bots), refund_requests.c.state == RequestState.OPEN.value
        ),
        "reconciliation": count(unexplained, unexplained.c.bot_id.in_(bots)),
    }
    return Waiting(counts, bot_names(transaction, bots))
