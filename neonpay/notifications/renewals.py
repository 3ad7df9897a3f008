"""Telegram tells nobody that a renewal is near: what is about to be renewed is told some days before, once for each period."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds, moment
from neonpay.core.events import Event
from neonpay.core.payments import PaymentState
from neonpay.core.subscriptions import SubscriptionState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, subscriptions
from neonpay.store.entries import publish
from neonpay.store.ids import following_id
from neonpay.store.periodic import Turn

_DAY_US: Final = 86_400 * 1_000_000


class RenewalNear(Event):
    """A subscription renews within the days that the shop has chosen; ``charge_id`` its last payment, of ``amount_stars``."""

    __slots__ = ()
    name = "renewal_near"


def tell_of_renewals(transaction: Transaction, turn: Turn, now_us: int, ahead_us: int) -> list[Event]:
    """Publish a fact for each subscription whose period ends within ``ahead_us`` and renews, and remember how far that was.

    What ended before the first turn, or while no program of the shop was there, is told of no more. The id of a fact follows
    from the period, so that it is told of once whoever asks.
    """
    until_us = now_us + ahead_us
    since_us = max(turn.position, now_us)
    ends = payments.c.subscription_expires_at
    its_state = sa.select(subscriptions.c.state).where(
        subscriptions.c.bot_id == payments.c.bot_id,
        subscriptions.c.user_id == payments.c.user_id,
        subscriptions.c.invoice_id == payments.c.invoice_id,
        subscriptions.c.changed_at >= payments.c.recorded_at,
    )
    query = (
        sa.select(payments)
        .where(payments.c.bot_id == turn.bot_id, payments.c.state == PaymentState.ACCEPTED)
        .where(ends > moment(since_us), ends <= moment(until_us))
        .where(
            sa.func.coalesce(its_state.scalar_subquery(), SubscriptionState.ACTIVE.value)
            == SubscriptionState.ACTIVE.value
        )
        .order_by(ends, payments.c.charge_id)
    )
    facts: list[Event] = [
        RenewalNear(
            bot_id=turn.bot_id,
            event_id=following_id(turn.bot_id, f"renewal near {row.charge_id}", now_us),
            at=moment(now_us),
            user_id=row.user_id,
            stage_id=row.stage_id,
            invoice_id=row.invoice_id,
            charge_id=row.charge_id,
            amount_stars=row.amount_stars,
        )
        for row in transaction.connection.execute(query).all()
        if not _goes_on(transaction, row)
    ]
    publish(transaction, *facts)
    turn.save(transaction, position=max(turn.position, until_us))
    return facts


def days_us(days: float) -> int:
    """So many days in microseconds."""
    return int(days * _DAY_US)


def _goes_on(transaction: Transaction, row: sa.Row[tuple[object, ...]]) -> bool:
    ends: datetime = row.subscription_expires_at
    where = (
        payments.c.bot_id == row.bot_id,
        payments.c.user_id == row.user_id,
        payments.c.stage_id == row.stage_id,
        payments.c.state == PaymentState.ACCEPTED,
        payments.c.subscription_expires_at > microseconds(ends),
    )
    return bool(transaction.connection.execute(sa.select(sa.exists().where(*where))).scalar_one())
