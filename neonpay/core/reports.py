"""What the comparison with Telegram has found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """One comparison of the ledger with Telegram's list of transactions and with the bot's balance.

    Attributes:
        started_at: aware UTC.
        checked: rows of the list that were looked at; those that the comparison before has dealt with are not read again, but
            for the newest of them.
        recovered: payments that the ledger did not have; they are recorded and their handlers run.
        needs_attention: how many of ``recovered`` wait for a person.
        sold_elsewhere: how many of ``recovered`` were sold by another ledger; nothing is delivered for them here.
        refunded: payments whose refund the ledger did not know of.
        foreign: payments and refunds of invoices that are not neonpay's, new in this comparison.
        moved: other movements of Stars that are new: withdrawals, gifts, advertising, …
        waiting: payments that the ledger does not have yet, and whose update may still be on its way.
        unreadable: rows without an id, an amount or a direction; they are left out of everything.
        failed: rows that were stepped over, now or earlier, because they fail for a reason of their own, which the log has;
            each comparison tries them again.
        unexplained: payments that the ledger has and Telegram's list does not, found now or earlier.
        unexplained_charges: the charge ids of the first hundred of them.
        balance_stars, balance_nanostars: what Telegram says that the bot has; None when the walk did not come to the end.
        drift_stars, drift_nanostars: how much that is above what the list adds up to.
        is_complete: whether the walk came to the end of the list; if not, the next comparison goes on where it stopped.
    """

    started_at: datetime
    checked: int = 0
    recovered: int = 0
    needs_attention: int = 0
    sold_elsewhere: int = 0
    refunded: int = 0
    foreign: int = 0
    moved: int = 0
    waiting: int = 0
    unreadable: int = 0
    failed: int = 0
    unexplained: int = 0
    unexplained_charges: tuple[str, ...] = ()
    balance_stars: int | None = None
    balance_nanostars: int | None = None
    drift_stars: int = 0
    drift_nanostars: int = 0
    is_complete: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether ledger, list and balance agree now: what was missing has been recorded and nothing is left to explain."""
        drifted = self.drift_stars or self.drift_nanostars
        return self.is_complete and not (self.unexplained or self.waiting or self.unreadable or self.failed or drifted)
