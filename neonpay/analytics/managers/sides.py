"""Where the figures of each bot come from: from the ledger, or from what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from neonpay.analytics.measures import microseconds_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.ledger.tables_tracking import soft_events
from neonpay.tracking.kinds import OF_LEDGER

Columns: TypeAlias = sa.Select[*tuple[Any, ...]]
"""A select of any columns."""
REGISTERED = "bot_registered"
"""The kind of the events by which names of bots are kept; no figure has them."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The bots of a report.

    Attributes:
        ledger: bots whose payments are in this ledger: what is told of money counts for none of them.
        told: bots whose payments are elsewhere, of which programs tell.
    """

    ledger: tuple[int, ...] = ()
    told: tuple[int, ...] = ()

    @property
    def all(self) -> tuple[int, ...]:
        """All of them."""
        return (*self.ledger, *self.told)

    @property
    def scope(self) -> Scope | None:
        """Those of the ledger, for reports; None when there are none."""
        return Scope(self.ledger) if self.ledger else None

    def only(self, bot: int) -> Sides:
        """One of them."""
        return Sides((bot,) if bot in self.ledger else (), (bot,) if bot in self.told else ())

    def has_told(self, span: Span, *columns: sa.ColumnElement[Any]) -> Columns:
        """These columns of what was told in a span and counts: of a bot of the ledger nothing that the ledger knows itself."""
        events = soft_events
        at = microseconds_of(events.c.at)
        counts: sa.ColumnElement[bool] = events.c.bot_id.in_(self.told)
        if self.ledger:
            is_soft = sa.and_(events.c.bot_id.in_(self.ledger), events.c.kind.not_in(sorted(OF_LEDGER)))
            counts = sa.or_(counts, is_soft) if self.told else is_soft
        return sa.select(*columns).where(counts, events.c.kind != REGISTERED, at >= span.starts_us, at < span.ends_us)
