"""How SQLite carries out what is asked of a ledger: what a step of a plan goes through does not depend on how much there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from neonpay.ledger import Ledger, Transaction

FACTS = "neonpay_(payments|events|invoices|journal)"
OF_ALL = re.compile(
    rf"SCAN {FACTS}|SEARCH {FACTS} USING .*\(bot_id=\?( AND (paid_at|at|subscription_expires_at)[<>]\?)*\)"
    r"|SCAN neonpay_jobs|SEARCH neonpay_jobs USING PRIMARY KEY \(bot_id=\?\)"
)
"""A step of a plan that goes through all rows of a bot, or of a time."""
OF_ANY_TIME = re.compile(rf"SCAN {FACTS}|SEARCH {FACTS} USING .*\(bot_id=\?\)")
"""One that goes through all rows of a bot, and keeps to no time."""


@contextmanager
def noted(transaction: Transaction) -> Iterator[list[str]]:
    """The steps by which SQLite carries out what the transaction says meanwhile."""
    raw = transaction.connection.connection.dbapi_connection
    assert raw is not None
    said: list[str] = []
    steps: list[str] = []
    raw.set_trace_callback(said.append)  # type: ignore[attr-defined]
    try:
        yield steps
    finally:
        raw.set_trace_callback(None)  # type: ignore[attr-defined]
    for text in said:
        plan = transaction.connection.execute(sa.text("EXPLAIN QUERY PLAN " + text.replace(":", r"\:")))
        steps += [str(row[-1]) for row in plan]
    assert steps


class Noting:
    """A ledger that notes how what is read is carried out."""

    def __init__(self, inner: Ledger) -> None:
        self._inner = inner
        self.steps: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _noting(
        self, unit: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]
    ) -> Callable[[Transaction], Any]:
        def noting(transaction: Transaction) -> Any:
            with noted(transaction) as steps:
                answer = unit(transaction, *args, **named)
            self.steps += steps
            return answer

        return noting

    async def report(self, limit_s: float, unit: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return await self._inner.report(limit_s, self._noting(unit, args, named))

    async def read(self, unit: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return await self._inner.read(self._noting(unit, args, named))
