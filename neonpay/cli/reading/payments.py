"""Payments as a list shows them: with the jobs of each, and how many there are in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.cli.columns import id_chars
from neonpay.cli.counted import Total
from neonpay.cli.reading.stages import offered_stages
from neonpay.cli.reading.totals import count_rows
from neonpay.core.charge_ids import charge_key
from neonpay.core.job_states import JobState
from neonpay.core.payments import Payment
from neonpay.errors import PaymentError
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow, begins, unindexed
from neonpay.ledger.tables import jobs, payments
from neonpay.payments.progress import OF_FEW, Progress, is_so_far
from neonpay.store.job_rows import JobRecord
from neonpay.store.payment_filter import Selection
from neonpay.store.payment_rows import payment_of, select_payments
from neonpay.store.stage_versions import Catalogue

_AT_ONCE = 500
_NEWEST = 3
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """A payment and its jobs."""

    payment: Payment
    jobs: tuple[JobRecord, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The newest of the payments that were asked for.

    Attributes:
        total: how many there are.
        stages: the stages that were offered, when there are none.
    """

    rows: list[Listed]
    total: Total
    stages: list[str]


@dataclass(frozen=True, slots=True)
class Named:
    """A payment that somebody has named by the beginning of its charge id."""

    bot_id: int
    charge_id: str


def read_page(
    transaction: Transaction, bots: Sequence[int], selection: Selection, limit: int, progress: Progress | None = None
) -> Page:
    """The payments of some bots, newest first; only those that are so far, if ``progress`` says how far."""
    found: list[tuple[Payment, str]] = []
    total = Total(0)
    # What is few is found first and ordered then: by the times all would be gone through until there are enough.
    is_of_few = selection.is_of_few or progress in OF_FEW
    paid_at = unindexed(payments.c.paid_at) if is_of_few else payments.c.paid_at
    newest_first = (paid_at.desc(), payments.c.recorded_at.desc(), payments.c.charge_id)
    for bot_id in bots:
        where = selection.where(bot_id)
        if progress is not None:
            where.append(is_so_far(progress, bot_id))
        catalogue = Catalogue(bot_id)
        query = select_payments(bot_id).where(*where).order_by(*newest_first).limit(limit)
        rows = transaction.connection.execute(query).mappings().all()
        total += count_rows(transaction, payments, where, shown=len(rows), limit=limit)
        found += [(payment_of(transaction, catalogue, row), row["event_id"]) for row in rows]
    # Stable, so that within one bot the order stays that of the ledger.
    found = sorted(found, key=lambda one: (one[0].paid_at, one[0].recorded_at), reverse=True)[:limit]
    by_event = _jobs_of(transaction, bots, [event_id for _, event_id in found])
    listed = [Listed(payment, tuple(by_event.get((payment.bot_id, event_id), ()))) for payment, event_id in found]
    return Page(listed, total, [] if found else offered_stages(transaction, bots))


def find_named(transaction: Transaction, bots: Sequence[int], beginning: str) -> Named:
    """The only payment whose charge id this is, or begins so.

    Raises:
        PaymentError: there is none, and the message has the newest; or there are several, and it has those.
    """
    found = find_if_any(transaction, bots, beginning)
    if found is not None:
        return found
    query = sa.select(payments.c.charge_id).where(payments.c.bot_id.in_(bots))
    ids = transaction.connection.execute(query.order_by(payments.c.paid_at.desc()).limit(_NEWEST)).scalars().all()
    listed = f"the newest: {', '.join(as_typed(ids))}" if ids else "there are none yet"
    msg = f"no payment with charge id {beginning!r} in the ledger; {listed}"
    raise PaymentError(msg, charge_id=beginning)


def find_if_any(transaction: Transaction, bots: Sequence[int], beginning: str) -> Named | None:
    """The same, or None when there is none; raises PaymentError when there are several."""
    key = charge_key(beginning.rstrip("…"))
    query = sa.select(payments.c.bot_id, payments.c.charge_id).where(payments.c.bot_id.in_(bots))
    found = transaction.connection.execute(query.where(payments.c.charge_id == key)).all()
    if not found and key:
        begins_so = begins(payments.c.charge_id, key, has_ranges=transaction.connection.dialect.name == "sqlite")
        found = transaction.connection.execute(query.where(begins_so).limit(_MOST_NAMED)).all()
    if len(found) <= 1:
        return Named(*found[0]) if found else None
    ids = [row.charge_id for row in found]
    if len(set(ids)) == 1:
        msg = f"several bots have a charge {ids[0]!r}: {', '.join(str(row.bot_id) for row in found)}; give --bot"
        raise PaymentError(msg, charge_id=beginning)
    msg = f"more than one charge id begins with {beginning!r}; give more of it: {', '.join(as_typed(ids))}"
    raise PaymentError(msg, charge_id=beginning)


def due_already(transaction: Transaction, named: Named) -> set[str]:
    """The consumers whose jobs on a payment are due and have not begun, so that a retry would change nothing."""
    event_id = sa.select(payments.c.event_id).where(
        payments.c.bot_id == named.bot_id, payments.c.charge_id == named.charge_id
    )
    fresh = (jobs.c.state == JobState.READY.value, jobs.c.attempts == 0, jobs.c.run_at <= DatabaseNow())
    of_it = (jobs.c.bot_id == named.bot_id, jobs.c.event_id == event_id.scalar_subquery())
    return set(transaction.connection.execute(sa.select(jobs.c.consumer).where(*of_it, *fresh)).scalars())


def _jobs_of(
    transaction: Transaction, bots: Sequence[int], event_ids: Sequence[str]
) -> dict[tuple[int, str], list[JobRecord]]:
    found: dict[tuple[int, str], list[JobRecord]] = {}
    columns = (jobs.c.charge_id, jobs.c.consumer, jobs.c.state, jobs.c.attempts, jobs.c.error, jobs.c.event_id)
    for first in range(0, len(event_ids), _AT_ONCE):
        some = event_ids[first : first + _AT_ONCE]
        query = sa.select(jobs.c.bot_id, *columns).where(jobs.c.bot_id.in_(bots), jobs.c.event_id.in_(some))
        for bot_id, *rest in transaction.connection.execute(query.order_by(jobs.c.consumer)):
            record = JobRecord(*rest)
            found.setdefault((bot_id, record.event_id), []).append(record)
    return found


def as_typed(ids: Sequence[str]) -> list[str]:
    """As much of each as one may type to mean it."""
    chars = id_chars(ids)
    return [one if len(one) <= chars else f"{one[:chars]}…" for one in ids]
