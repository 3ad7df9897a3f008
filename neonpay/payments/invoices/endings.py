"""Invoices that were not paid: expired when their time is over, abandoned when nobody has paid them for long.

Telegram tells nothing when a buyer closes an invoice, so that it was abandoned is known by waiting alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.events import Event, InvoiceAbandoned, InvoiceCreated, InvoiceExpired
from neonpay.core.payments import InvoiceState
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow, is_text
from neonpay.ledger.tables import MAY_EXPIRE, events, invoices
from neonpay.payments.extending.guarding import Guards
from neonpay.payments.extension import Release, Released
from neonpay.store.entries import publish
from neonpay.store.ids import following_id
from neonpay.store.once import Once
from neonpay.store.periodic import PeriodicTask, Turn
from neonpay.store.sequence import last_number

E = TypeVar("E", bound=Event)

EXPIRE = "expire_invoices"
"""Name of the periodic task; so is the next one."""
ABANDON = "abandon_invoices"
EXPIRE_EVERY_S = 60.0
ABANDON_EVERY_S = 600.0
ABANDONED_AFTER_S = 24 * 3600.0
_PAYMENT_COMES_US = 60 * 1_000_000
"""How long the payment of a checkout that was approved at the last moment may take to arrive."""
_AT_ONCE = 256


class Endings:
    """Tells of the unpaid invoices of one bot.

    Args:
        abandoned_after_s: how long an invoice waits for its payment before it counts as abandoned; None for ever.
    """

    def __init__(
        self,
        ledger: Ledger,
        bot_id: int,
        *,
        guards: Guards,
        abandoned_after_s: float | None,
        announce: Callable[[Event], None],
    ) -> None:
        self._guards = guards
        self._ledger = ledger
        self._bot_id = bot_id
        self._abandoned_after_s = abandoned_after_s
        self._announce = announce

    @property
    def tasks(self) -> list[PeriodicTask]:
        """What comes round."""
        tasks = [PeriodicTask(EXPIRE, EXPIRE_EVERY_S, self.expire)]
        if self._abandoned_after_s is not None:
            tasks.append(PeriodicTask(ABANDON, ABANDON_EVERY_S, self.abandon))
        return tasks

    async def expire(self, turn: Turn) -> None:
        """End every invoice whose time is over, and tell of those that were never paid.

        Raises:
            LeaseLostError: another worker has taken over.
        """
        more = True
        while more:
            more, facts = await self._ledger.run(Once(self._bot_id, self._expire), turn)
            for fact in facts:
                self._announce(fact)

    async def abandon(self, turn: Turn) -> None:
        """Tell of every invoice that is old enough and was not paid, once.

        Raises:
            LeaseLostError: another worker has taken over.
        """
        position, before = turn.position, -1
        while position != before:
            before = position
            position, facts = await self._ledger.run(Once(self._bot_id, self._abandon), turn, position)
            for fact in facts:
                self._announce(fact)

    def _expire(self, transaction: Transaction, turn: Turn) -> tuple[bool, list[Event]]:
        now_us = _now_us(transaction)
        until = moment(now_us - _PAYMENT_COMES_US)
        due = sa.select(invoices).where(invoices.c.bot_id == self._bot_id, MAY_EXPIRE, invoices.c.expires_at <= until)
        due = due.order_by(invoices.c.expires_at).limit(_AT_ONCE).with_for_update(skip_locked=True)
        rows = transaction.connection.execute(due).all()
        if not rows:
            return False, []
        these = (invoices.c.bot_id == self._bot_id, invoices.c.invoice_id.in_([row.invoice_id for row in rows]))
        transaction.connection.execute(sa.update(invoices).where(*these).values(state=InvoiceState.EXPIRED.value))
        turn.save(transaction, position=turn.position)
        unpaid = [row for row in rows if not row.payments_count]
        over = [Released(claim_id=row.invoice_id, invoice_id=row.invoice_id, user_id=row.user_id) for row in unpaid]
        published = self._guards.let_go(transaction, over, Release.EXPIRED)
        return len(rows) == _AT_ONCE, [*self._tell(transaction, InvoiceExpired, unpaid, now_us), *published]

    def _abandon(self, transaction: Transaction, turn: Turn, after: int) -> tuple[int, list[Event]]:
        """How far the look through the events has come, and what was found."""
        now_us = _now_us(transaction)
        assert self._abandoned_after_s is not None
        old = moment(now_us - int(self._abandoned_after_s * 1_000_000))
        is_its = sa.and_(invoices.c.bot_id == events.c.bot_id, invoices.c.invoice_id == events.c.invoice_id)
        until = min(last_number(transaction, self._bot_id), after + _AT_ONCE)
        made = (
            sa.select(events.c.number, invoices)
            .join_from(events, invoices, is_its)
            .where(events.c.bot_id == self._bot_id, events.c.number > after, events.c.number <= until)
            .where(is_text(events.c.name, InvoiceCreated.name))
            .order_by(events.c.number)
        )
        unpaid: list[sa.Row[Any]] = []
        for row in transaction.connection.execute(made):
            if row.created_at > old:
                until = row.number - 1
                break
            if not row.payments_count and row.state == InvoiceState.SENT:
                unpaid.append(row)
        if until > after:
            turn.save(transaction, position=until)
        return until, self._tell(transaction, InvoiceAbandoned, unpaid, now_us)

    def _tell(self, transaction: Transaction, kind: type[E], rows: Sequence[sa.Row[Any]], now_us: int) -> list[Event]:
        facts: list[Event] = [
            kind(
                bot_id=self._bot_id,
                event_id=following_id(self._bot_id, f"{kind.name} {row.invoice_id}", now_us),
                at=moment(now_us),
                user_id=row.user_id,
                stage_id=row.stage_id,
                invoice_id=row.invoice_id,
                amount_stars=row.price_stars,
            )
            for row in rows
        ]
        publish(transaction, *facts)
        return facts


def _now_us(transaction: Transaction) -> int:
    return int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
