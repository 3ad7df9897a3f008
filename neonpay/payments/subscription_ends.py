"""Telegram tells nobody that a subscription is over: what nobody has paid on is told when its period has ended."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from neonpay.core.clock import microseconds, moment
from neonpay.core.events import Event, SubscriptionEnded
from neonpay.core.payments import PaymentState
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import payments, subscriptions
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
_AWAY_US = 3 * int(END_EVERY_S) * 1_000_000
"""A pause between two looks after which the shop was away: renewals of that time arrive first, by updates or by the comparison
with Telegram's list, for which an hour is left."""
_LATE_US = 40 * 86_400 * 1_000_000
"""How long after its end a period still counts that is recorded late; the only one that Telegram sells is shorter."""


class SubscriptionEnds:
    """Tells of the subscriptions of one bot that have ended.

    Args:
        is_moved_by_hand: whether months of the clock may pass at once, so that a pause between two looks is no absence.
    """

    def __init__(
        self,
        ledger: Ledger,
        bot_id: int,
        *,
        announce: Callable[[Event], None],
        is_moved_by_hand: bool = False,
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._announce = announce
        self._is_moved_by_hand = is_moved_by_hand
        self._has_looked = False

    @property
    def task(self) -> PeriodicTask:
        """What comes round."""
        return PeriodicTask(END, END_EVERY_S, self.work)

    async def work(self, turn: Turn) -> None:
        """Tell of every subscription whose last paid period has ended, once.

        Raises:
            LeaseLostError: another worker has taken over.
        """
        for fact in await self._ledger.run(Once(self._bot_id, self._look), turn):
            self._announce(fact)
        self._has_looked = True

    def _look(self, transaction: Transaction, turn: Turn) -> list[Event]:
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        memo = turn.memo or f"{now_us} 0 {now_us}"
        awake_us, waits_until_us, looked_us = [int(word) for word in memo.split()]
        until_us = now_us - _RENEWAL_COMES_US if now_us >= waits_until_us else None
        if now_us - awake_us > _AWAY_US:
            # Where the hour after the last jump of a simulator was jumped over, what has arrived by now belongs to the time
            # before that jump, and what this one has brought is on its way.
            is_second_jump = self._was_there and awake_us < waits_until_us <= now_us
            until_us = waits_until_us - _RENEWAL_COMES_US if is_second_jump else None
            waits_until_us = now_us + _RENEWAL_COMES_US
        reached_us = turn.position or now_us - _FIRST_LOOK_US
        facts: list[Event] = []
        if until_us is not None:
            facts = self._tell(transaction, reached_us, until_us, looked_us, now_us)
            reached_us, looked_us = max(reached_us, until_us), now_us
        turn.save(transaction, position=reached_us, memo=f"{now_us} {waits_until_us} {looked_us}")
        return facts

    @property
    def _was_there(self) -> bool:
        """Whether it was a simulator that let the time since the last look pass at once, and not this program that was away."""
        return self._is_moved_by_hand and self._has_looked

    def _tell(self, transaction: Transaction, since_us: int, until_us: int, looked_us: int, now_us: int) -> list[Event]:
        ends = payments.c.subscription_expires_at
        is_news = sa.or_(ends > moment(since_us), payments.c.recorded_at > moment(looked_us))
        query = (
            sa.select(payments, subscriptions.c.state.label("told"), subscriptions.c.changed_at)
            .join_from(payments, subscriptions, _is_its(), isouter=True)
            .where(payments.c.bot_id == self._bot_id, payments.c.state == PaymentState.ACCEPTED)
            .where(ends > moment(min(since_us, until_us - _LATE_US)), ends <= moment(until_us), is_news)
            .order_by(ends, payments.c.charge_id)
        )
        rows = transaction.connection.execute(query).all()
        facts: list[Event] = [self._fact(row, now_us) for row in rows if not self._goes_on(transaction, row)]
        publish(transaction, *facts)
        return facts

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
        what, ended_us = f"subscription ended {row.charge_id}", microseconds(row.subscription_expires_at)
        # A word of before this period was paid was about an earlier one.
        is_about_it = row.told is not None and row.changed_at >= row.recorded_at
        return SubscriptionEnded(
            bot_id=self._bot_id,
            event_id=following_id(self._bot_id, what, ended_us),
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
