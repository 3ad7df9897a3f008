"""Changes of the registry of consumers: declared by programs, retired and renamed by people."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.errors import ConsumerNotFoundError, PaymentError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import IS_PARKED, IS_UNFINISHED, consumers, jobs, off_sale, sequences, steps
from neonpay.payments.consumers.event_kinds import kinds_text
from neonpay.payments.consumers.registry import (
    Consumer,
    ConsumerKind,
    Declaration,
    database_now_us,
    lock_registry,
    raise_version,
    read_consumers,
    touch,
)
from neonpay.payments.consumers.selection import PLAN

logger = logging.getLogger("neonpay.payments")

_OFF_SALE = Insert(off_sale, "bot_id", "stage_id", "since", computed={"since": lambda us: DatabaseNow() + us})


class Declarations:
    """Units of work that change who delivers in the shop of one bot."""

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id

    def declare(self, transaction: Transaction, declared: Sequence[Declaration]) -> bool:
        """The registry knows that a program with these consumers is alive; whether that has changed who delivers.

        A consumer that is new gets the payments recorded from now on. One that was renamed stays retired, because its payments
        are delivered under the new name.
        """
        if not declared:
            return False
        names = [one.consumer for one in declared]
        changed = self._changed(transaction, declared)
        if changed:
            lock_registry(transaction, self._bot_id)
            known = self._read(transaction)
            changed = self._changed(transaction, declared)
            for one in changed:
                self._write(transaction, one, known.get(one.consumer), changed[one])
                if _takes_over(known, one):
                    self._move(transaction, str(one.was), one.consumer)
            raise_version(transaction, self._bot_id)
            self._wake(transaction, IS_UNFINISHED, jobs.c.consumer == PLAN, jobs.c.state == JobState.READY)
        touch(transaction, self._bot_id, names)
        self._wake(transaction, IS_PARKED, jobs.c.consumer.in_(names), jobs.c.state == JobState.STRANDED)
        return bool(changed)

    def _read(self, transaction: Transaction) -> dict[str, Consumer]:
        return {row.consumer: row for row in read_consumers(transaction, self._bot_id)}

    def _changed(self, transaction: Transaction, declared: Sequence[Declaration]) -> dict[Declaration, str | None]:
        """What is to be written, with the kinds of events as they are to be kept."""
        known, now_us = self._read(transaction), database_now_us(transaction)
        kinds = {one: kinds_text(one, known.get(one.consumer), now_us) for one in declared}
        return {one: kinds[one] for one in declared if _changes(known, one, kinds[one])}

    def off_sale(self, transaction: Transaction) -> list[str]:
        """The stages that were taken off sale."""
        query = sa.select(off_sale.c.stage_id).where(off_sale.c.bot_id == self._bot_id)
        return list(transaction.connection.execute(query).scalars())

    def offer(self, transaction: Transaction, changes: Mapping[str, bool]) -> None:
        """Stages are on sale in all programs of the shop from now on, or are not, by id."""
        mine = off_sale.c.bot_id == self._bot_id
        ended = [stage_id for stage_id, on_sale in changes.items() if not on_sale]
        begun = [stage_id for stage_id, on_sale in changes.items() if on_sale]
        if begun:
            transaction.connection.execute(sa.delete(off_sale).where(mine, off_sale.c.stage_id.in_(begun)))
        transaction.insert(_OFF_SALE, *[(self._bot_id, stage_id, 0) for stage_id in ended])

    def retire(self, transaction: Transaction, consumer: str, drop: bool) -> int:
        """A consumer gets no payments from now on; the number of its jobs that had delivered nothing and are dropped.

        Raises:
            ConsumerNotFoundError: nobody has ever declared it.
            PaymentError: payments wait for it and ``drop`` is not given; nothing was changed.
        """
        lock_registry(transaction, self._bot_id)
        self._known(transaction, consumer)
        mine = (jobs.c.bot_id == self._bot_id, jobs.c.consumer == consumer)
        dropped = 0
        for waits in (IS_UNFINISHED, IS_PARKED):
            ended = sa.update(jobs).where(*mine, waits).values(state=JobState.DROPPED, token=None)
            dropped += transaction.connection.execute(ended).rowcount
        if dropped and not drop:
            counted = "1 job waits" if dropped == 1 else f"{dropped} jobs wait"
            lines = f"neonpay handlers rename {consumer} NEW, or neonpay handlers retire {consumer} --drop"
            msg = f"{counted} for {consumer!r}, undelivered; {lines}"
            raise PaymentError(msg)
        self._set(transaction, consumer, retired_at=DatabaseNow())
        raise_version(transaction, self._bot_id)
        return dropped

    def rename(self, transaction: Transaction, old: str, new: str) -> int:
        """What waits for ``old`` waits for ``new`` from now on, and ``old`` gets no payments; the number of jobs.

        Raises:
            ConsumerNotFoundError: nobody has ever declared one of them.
            PaymentError: they are of different kinds; nothing was changed.
        """
        lock_registry(transaction, self._bot_id)
        before, after = self._known(transaction, old), self._known(transaction, new)
        if before.kind is not after.kind or old == new:
            msg = (
                f"{old!r} {before.kind} and {new!r} {after.kind}; a consumer takes the place of another one of its kind"
            )
            raise PaymentError(msg)
        moved = self._move(transaction, old, new)
        if after.retired_at is not None:
            self._set(transaction, new, retired_at=None, renamed_to=None, since=DatabaseNow())
        raise_version(transaction, self._bot_id)
        return moved

    def _known(self, transaction: Transaction, consumer: str) -> Consumer:
        found = self._read(transaction)
        if consumer not in found:
            raise ConsumerNotFoundError(consumer, sorted(found))
        return found[consumer]

    def _write(self, transaction: Transaction, one: Declaration, known: Consumer | None, kinds: str | None) -> None:
        now = DatabaseNow()
        if known is None:
            row: dict[str, object] = {
                "bot_id": self._bot_id,
                "consumer": one.consumer,
                "kind": one.kind.value,
                "stages": one.stages_text,
            }
            row["events"] = kinds
            times = {"since": now, "seen_at": now, "complete_number": self._numbered()}
            transaction.connection.execute(sa.insert(consumers).values(**row, **times))
        else:
            values: dict[str, object] = {"kind": one.kind.value, "stages": one.stages_text, "events": kinds}
            if one.kind is not ConsumerKind.SUBSCRIBES or known.kind is not one.kind or known.retired_at is not None:
                # A stage that is new to it is filled up from here on, as if the consumer were new. A subscriber goes on where
                # it was: what happened and has no job yet may be of a kind that it had before.
                values |= {"since": now, "complete_number": self._numbered()}
            self._set(transaction, one.consumer, **values, retired_at=None)

    def _numbered(self) -> sa.ColumnElement[int]:
        """The newest number; what has one was there before the consumer, whose statement looks at the clock after it."""
        newest = sa.select(sequences.c.last_number).where(sequences.c.bot_id == self._bot_id).scalar_subquery()
        return sa.func.coalesce(newest, 0)

    def _move(self, transaction: Transaction, old: str, new: str) -> int:
        there = jobs.alias()
        has_new = sa.exists().where(
            there.c.bot_id == jobs.c.bot_id, there.c.event_id == jobs.c.event_id, there.c.consumer == new
        )
        count = 0
        for waits in (IS_UNFINISHED, IS_PARKED):
            of_old = (jobs.c.bot_id == self._bot_id, jobs.c.consumer == old, waits, sa.not_(has_new))
            # The results of steps go with the jobs, so that what an earlier attempt has done is not done again.
            events = sa.select(jobs.c.event_id).where(*of_old)
            of_steps = (steps.c.bot_id == self._bot_id, steps.c.consumer == old, steps.c.event_id.in_(events))
            transaction.connection.execute(sa.update(steps).where(*of_steps).values(consumer=new))
            count += transaction.connection.execute(sa.update(jobs).where(*of_old).values(consumer=new)).rowcount
            # What is left has a job of the new name beside it, which delivers; nobody would ever end this one.
            left = (jobs.c.bot_id == self._bot_id, jobs.c.consumer == old, waits, jobs.c.state != JobState.LEASED)
            transaction.connection.execute(sa.update(jobs).where(*left).values(state=JobState.DROPPED, token=None))
        self._set(transaction, old, retired_at=DatabaseNow(), renamed_to=new)
        return count

    def _set(self, transaction: Transaction, consumer: str, **values: object) -> None:
        this = (consumers.c.bot_id == self._bot_id, consumers.c.consumer == consumer)
        transaction.connection.execute(sa.update(consumers).where(*this).values(**values))

    def _wake(self, transaction: Transaction, *which: sa.ColumnElement[bool]) -> None:
        due = {"state": JobState.READY, "run_at": DatabaseNow()}
        transaction.connection.execute(sa.update(jobs).where(jobs.c.bot_id == self._bot_id, *which).values(**due))


def _takes_over(known: Mapping[str, Consumer], one: Declaration) -> bool:
    old = None if one.was is None else known.get(one.was)
    return old is not None and old.renamed_to != one.consumer


def _changes(known: Mapping[str, Consumer], one: Declaration, kinds: str | None) -> bool:
    row = known.get(one.consumer)
    if row is not None and row.renamed_to is not None:
        words = "%s was renamed to %s in this shop, so payments go there and not to this program"
        logger.warning(words, one.consumer, row.renamed_to)
        return False
    if row is None or row.retired_at is not None or _takes_over(known, one):
        return True
    if one.kind is ConsumerKind.SUBSCRIBES and (row.named_at_us or kinds != one.events_text):
        return True  # others name other kinds, or did
    return (row.kind, row.stage_ids, row.event_names) != (one.kind, one.stage_ids, one.event_names)
