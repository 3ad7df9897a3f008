"""Telegram tells nobody that a subscription is over: what nobody has paid on is told when its period has ended."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from neonpay.core.clock import microseconds, moment
from neonpay.core.events import Event, SubscriptionEnded
from neonpay.core.payments import PaymentState
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables import DatabaseNow, payments, subscriptions
from neonpay.store.entries import publish
from neonpay.store.ids import following_id
from neonpay.store.once import Once
from neonpay.store.periodic import PeriodicTask, Turn

END = "end_subscriptions"
END_EVERY_S = 600.0
_RENEWAL_COMES_US = 3600 * 1_000_000
"""How long the payment of the next period may take to arrive; a renewal that comes later begins a subscription again."""
_FIRST_LOOK_US = 86_400 * 1_000_000
"""How far back the first look goes: what ended before nobody has waited to hear of."""
_AT_ONCE = 256


class SubscriptionEnds:
    """Tells of the subscriptions of one bot that have ended."""

    def __init__(self, ledger: Ledger, bot_id: int, *, announce: Callable[[Event], None]) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._announce = announce

    @property
    def task(self) -> PeriodicTask:
        """What comes round."""
        return PeriodicTask(END, END_EVERY_S, self.work)

    async def work(self, turn: Turn) -> None:
        """Tell of every subscription whose last paid period has ended, once.

        Raises:
            LeaseLostError: another worker has taken over.
        """
        after: tuple[int, str] | None = (turn.position, turn.memo)
        while after is not None:
            after, facts = await self._ledger.run(Once(self._bot_id, self._end), turn, after)
            for fact in facts:
                self._announce(fact)

    def _end(
        self, transaction: Transaction, turn: Turn, after: tuple[int, str]
    ) -> tuple[tuple[int, str] | None, list[Event]]:
        """How far the look has come, or None when it is at its end; and what was found."""
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        position, memo = after
        since, until = moment(position or now_us - _FIRST_LOOK_US), moment(now_us - _RENEWAL_COMES_US)
        ends, charge_id = payments.c.subscription_expires_at, payments.c.charge_id
        later = sa.or_(ends > since, sa.and_(ends == since, charge_id > memo))
        query = (
            sa.select(payments, subscriptions.c.state.label("told"), subscriptions.c.changed_at)
            .join_from(payments, subscriptions, _is_its(), isouter=True)
            .where(payments.c.bot_id == self._bot_id, ends >= since, ends <= until, later)
            .order_by(ends, charge_id)
            .limit(_AT_ONCE)
        )
        rows = transaction.connection.execute(query).all()
        if not rows:
            return None, []
        over = [row for row in rows if row.state == PaymentState.ACCEPTED and not self._goes_on(transaction, row)]
        facts: list[Event] = [self._fact(row, now_us) for row in over]
        publish(transaction, *facts)
        last = rows[-1]
        reached = (microseconds(last.subscription_expires_at), last.charge_id)
        turn.save(transaction, position=reached[0], memo=reached[1])
        return (reached if len(rows) == _AT_ONCE else None), facts

    def _goes_on(self, transaction: Transaction, row: sa.Row[tuple[object, ...]]) -> bool:
        """Whether a later period of the same subscription, or of another one of its buyer for the stage, is paid."""
        where = (
            payments.c.bot_id == self._bot_id,
            payments.c.user_id == row.user_id,
            payments.c.stage_id == row.stage_id,
            payments.c.state == PaymentState.ACCEPTED,
            payments.c.subscription_expires_at > row.subscription_expires_at,
        )
        return bool(transaction.connection.execute(sa.select(sa.exists().where(*where))).scalar_one())

    def _fact(self, row: sa.Row[tuple[object, ...]], now_us: int) -> SubscriptionEnded:
        what = f"subscription ended {row.charge_id}"
        # A word of before this period was paid was about an earlier one.
        is_about_it = row.told is not None and row.changed_at >= row.recorded_at
        return SubscriptionEnded(
            bot_id=self._bot_id,
            event_id=following_id(self._bot_id, what, now_us),
            at=moment(now_us),
            user_id=row.user_id,
            stage_id=row.stage_id,
            invoice_id=row.invoice_id,
            charge_id=row.charge_id,
            reason=row.told if is_about_it else None,
        )


def _is_its() -> sa.ColumnElement[bool]:
    return sa.and_(
        subscriptions.c.bot_id == payments.c.bot_id,
        subscriptions.c.user_id == payments.c.user_id,
        subscriptions.c.invoice_id == payments.c.invoice_id,
    )
