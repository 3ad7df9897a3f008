"""What changes many jobs by one statement: all that are done, and the leases of all that run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.ledger import Among, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import in_states, jobs
from neonpay.store.job_rows import Job

_Ids: TypeAlias = Sequence[sa.BindParameter[str]]
_Tokens: TypeAlias = Sequence[sa.BindParameter[int]]

IS_OWN: Final = in_states(JobState.LEASED, JobState.DONE)
"""What a job is whose newest lease is still its holder's, or was when its holder finished it."""
_OF_BOT: Final = jobs.c.bot_id == sa.bindparam("job_bot_id")


def _done(event_ids: _Ids, tokens: _Tokens) -> sa.Update:
    own = sa.update(jobs).where(_OF_BOT, jobs.c.event_id.in_(event_ids), jobs.c.token.in_(tokens), IS_OWN)
    return own.values(state=sa.literal_column(f"'{JobState.DONE}'"), error=sa.null())


def _renewed(event_ids: _Ids, tokens: _Tokens) -> sa.Update:
    leased = (jobs.c.event_id.in_(event_ids), jobs.c.token.in_(tokens), in_states(JobState.LEASED))
    free = sa.select(jobs.c.event_id, jobs.c.consumer).where(_OF_BOT, *leased).with_for_update(skip_locked=True)
    renewed = sa.update(jobs).where(_OF_BOT, sa.tuple_(jobs.c.event_id, jobs.c.consumer).in_(free))
    return renewed.values(run_at=DatabaseNow() + sa.bindparam("delay_us", type_=sa.BigInteger))


# Tokens are never used twice, so each finds its own job, done already when this runs again; event ids are for the index.
_DONE: Final = Among(_done, "job_bot_id", lists=2)
_WHICH_DONE: Final = Among(lambda *lists: _done(*lists).returning(jobs.c.token), "job_bot_id", lists=2)
_RENEW: Final = Among(_renewed, "job_bot_id", "delay_us", lists=2)


def finish_all(transaction: Transaction, finished: Sequence[Job]) -> list[bool]:
    """The unit of work that marks jobs as done; for each whether it was still its holder's."""
    event_ids, tokens = [job.event_id for job in finished], [job.token for job in finished]
    bot = (finished[0].bot_id,)
    if transaction.execute_among(_DONE, bot, event_ids, tokens) == len(finished):
        return [True] * len(finished)
    # Hardly ever, so only then are the rows asked for.
    held = {row[0] for row in transaction.rows_among(_WHICH_DONE, bot, event_ids, tokens)}
    return [token in held for token in tokens]


def renew_all(transaction: Transaction, held: Sequence[Job], lease_us: int) -> None:
    """The unit of work that shows that jobs are still being worked on, and waits for none of them.

    A row that is locked is that of a handler with a connection, whose unit nobody takes it from; waiting for it would cost all
    others their leases.
    """
    event_ids, tokens = [job.event_id for job in held], [job.token for job in held]
    transaction.execute_among(_RENEW, (held[0].bot_id, lease_us), event_ids, tokens)
