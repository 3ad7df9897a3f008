"""How the ledger stands now: what waits, for how long, and how far the comparison with Telegram has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.analytics.accounts import gap_stars, tallies
from neonpay.analytics.attention import attention
from neonpay.analytics.figures import Attention
from neonpay.analytics.scope import Scope
from neonpay.core.clock import moment
from neonpay.core.job_states import JobState
from neonpay.core.transactions import NANOSTARS
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import IS_UNFINISHED, jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one bot stands.

    Attributes:
        lag_s: how long the oldest job that is due has waited.
        compared_s: since the last comparison with Telegram; None before the first.
        gap_stars: Stars of payments that Telegram's list does not have, or not yet; None before the first comparison.
        drift_nanostars: how much the balance was above what the list adds up to.
        balance_nanostars: as Telegram last told it; None when it has not.
    """

    bot_id: int
    attention: Attention
    lag_s: float
    compared_s: float | None
    gap_stars: int | None
    drift_nanostars: int
    balance_nanostars: int | None

    @property
    def drift_stars(self) -> float:
        """The drift in Stars."""
        return self.drift_nanostars / NANOSTARS


def read_standings(transaction: Transaction, bot_ids: Sequence[int]) -> list[Standing]:
    """The unit of work that looks at these bots, by the database's clock."""
    now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
    return [_standing(transaction, bot_id, now_us) for bot_id in bot_ids]


def _standing(transaction: Transaction, bot_id: int, now_us: int) -> Standing:
    scope = Scope((bot_id,))
    tally = tallies(transaction, scope).get(bot_id)
    return Standing(
        bot_id=bot_id,
        attention=attention(transaction, scope, moment(now_us)),
        lag_s=_lag_s(transaction, bot_id, now_us),
        compared_s=None if tally is None or tally.balance is None else (now_us - tally.compared_us) / 1_000_000,
        gap_stars=gap_stars(transaction, scope),
        drift_nanostars=tally.drift if tally is not None else 0,
        balance_nanostars=tally.balance if tally is not None else None,
    )


def _lag_s(transaction: Transaction, bot_id: int, now_us: int) -> float:
    due = sa.type_coerce(jobs.c.run_at, sa.BigInteger)
    is_due = (jobs.c.bot_id == bot_id, IS_UNFINISHED, jobs.c.state == JobState.READY.value, due <= now_us)
    oldest: int | None = transaction.connection.execute(sa.select(sa.func.min(due)).where(*is_due)).scalar_one_or_none()
    return 0.0 if oldest is None else (now_us - int(oldest)) / 1_000_000
