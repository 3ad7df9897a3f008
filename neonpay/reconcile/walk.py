"""One walk through Telegram's list of transactions on its way: how far it is, and what it has found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from neonpay.core.clock import moment, stopwatch_s
from neonpay.core.reports import ReconcileReport
from neonpay.core.text import error_words
from neonpay.core.transactions import StarTransaction, charged_key, split_stars
from neonpay.reconcile.checkpoint import Tally
from neonpay.store.periodic import Turn

logger = logging.getLogger("neonpay.payments")


@dataclass(slots=True, kw_only=True)
class Walk:
    """One walk.

    Attributes:
        started_us: by this process's clock, and ``began_us`` by the database's, which recorded payments carry.
        most_pages: pages after which another worker may go on; None for no bound.
        pages: pages that were asked for.
        end: rows of the list that this walk has seen the end of, and ``end_nanostars`` what all of them add up to.
        end_seen_us: when the end of the list was seen last.
        is_held_up: whether a row was too young; the position stays before it.
        clocked_s: when it began, for its line in the log.
        places: where in the list the rows are that are being dealt with, by key.
    """

    turn: Turn
    tally: Tally
    started_us: int
    began_us: int
    grace_us: int
    most_pages: int | None = None
    pages: int = 0
    end: int = 0
    end_nanostars: int = 0
    end_seen_us: int | None = None
    is_held_up: bool = False
    places: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    recovered: int = 0
    needs_attention: int = 0
    sold_elsewhere: int = 0
    refunded: int = 0
    foreign: int = 0
    moved: int = 0
    waiting: int = 0
    unreadable: int = 0
    unexamined: int = 0
    drift: int = 0
    clocked_s: float = field(default_factory=stopwatch_s)

    @property
    def is_over_its_pages(self) -> bool:
        """Whether it is another worker's turn."""
        return self.most_pages is not None and self.pages >= self.most_pages

    def count(self, offset: int, rows: Sequence[StarTransaction | None]) -> None:
        """Add rows from ``offset`` on that have not been counted."""
        for row in rows[self.end - offset :]:
            self.end += 1
            self.checked += 1
            if row is None:
                self.unreadable += 1
            else:
                self.end_nanostars += row.effect

    def hold(self, offset: int, rows: Sequence[StarTransaction | None]) -> None:
        """Remember where these rows are; those that were held before are done with."""
        self.places = {row.key: place for place, row in enumerate(rows, offset) if row is not None}

    def step_over(self, row: StarTransaction, error: BaseException) -> None:
        """Go on without a row that fails for a reason of its own; later walks look at it again."""
        words = "row %d of Telegram's list of transactions (%s) is stepped over, and looked at again: %s"
        logger.error(words, self.places[row.key], row.key, error_words(error), exc_info=error)
        self.leave(row)

    def leave(self, row: StarTransaction) -> None:
        """Have later walks look at a row again."""
        self.tally = self.tally.leaving(row.key, self.places[row.key])

    def is_left(self, row: StarTransaction) -> bool:
        """Whether a row, or the charge that it gives back, was stepped over."""
        return row.key in self.tally.left or charged_key(row) in self.tally.left

    def report(
        self, unexplained: int, unexplained_charges: Sequence[str], balance: int | None = None
    ) -> ReconcileReport:
        """What the walk has found."""
        balance_stars, balance_nanostars = (None, None) if balance is None else split_stars(balance)
        drift_stars, drift_nanostars = split_stars(self.drift)
        return ReconcileReport(
            started_at=moment(self.started_us),
            checked=self.checked,
            recovered=self.recovered,
            needs_attention=self.needs_attention,
            sold_elsewhere=self.sold_elsewhere,
            refunded=self.refunded,
            foreign=self.foreign,
            moved=self.moved,
            waiting=self.waiting,
            unreadable=self.unreadable,
            failed=len(self.tally.left) + self.tally.left_more + self.unexamined,
            unexplained=unexplained,
            unexplained_charges=tuple(unexplained_charges),
            balance_stars=balance_stars,
            balance_nanostars=balance_nanostars,
            drift_stars=drift_stars,
            drift_nanostars=drift_nanostars,
            is_complete=balance is not None,
        )
