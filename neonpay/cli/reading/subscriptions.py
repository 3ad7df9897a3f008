"""Subscriptions as a list shows them: one for each buyer and invoice, put together from its payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from neonpay.cli.reading.payments import Named, as_typed, find_if_any
from neonpay.cli.reading.standing import Standing
from neonpay.core.charge_ids import shortened
from neonpay.core.clock import moment
from neonpay.core.subscriptions import SubscriptionState
from neonpay.errors import PaymentError
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import payments, subscriptions

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What the ledger knows of a subscription.

    Attributes:
        charge_id: of its newest payment; any of its payments names it.
        payments_count: periods that were paid.
        since: when the first of them was paid.
        paid_until: end of the newest one, where it is known.
    """

    bot_id: int
    user_id: int
    stage_id: str | None
    charge_id: str
    price_stars: int
    payments_count: int
    since: datetime
    paid_until: datetime | None
    standing: Standing


def read_subscriptions(
    transaction: Transaction,
    bots: Sequence[int],
    *,
    standing: Standing | None = None,
    user_id: int | None = None,
    stage_id: str | None = None,
    invoice_id: str | None = None,
    limit: int,
) -> tuple[list[Subscription], int]:
    """Subscriptions, the one that was paid last first, and how many there are in all."""
    now = moment(int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one()))
    where = [payments.c.bot_id.in_(bots), payments.c.is_recurring == 1, payments.c.invoice_id.is_not(None)]
    if user_id is not None:
        where.append(payments.c.user_id == user_id)
    if stage_id is not None:
        where.append(payments.c.stage_id == stage_id)
    if invoice_id is not None:
        where.append(payments.c.invoice_id == invoice_id)
    key = (payments.c.bot_id, payments.c.user_id, payments.c.invoice_id)
    paid = (
        sa.select(
            *key,
            sa.func.count().label("count"),
            sa.func.min(payments.c.paid_at).label("since"),
            sa.func.max(payments.c.paid_at).label("last_at"),
            sa.func.max(payments.c.recorded_at).label("recorded_at"),
            sa.func.max(payments.c.subscription_expires_at).label("until"),
        )
        .where(*where)
        .group_by(*key)
        .subquery()
    )
    same = [paid.c[column.name] == subscriptions.c[column.name] for column in key]
    # What Telegram said before the newest period was paid was about an earlier one.
    said = sa.case(
        (subscriptions.c.changed_at >= paid.c.recorded_at, subscriptions.c.state), else_=SubscriptionState.ACTIVE.value
    )
    is_over = sa.and_(paid.c.until.is_not(None), paid.c.until <= now)
    stands = sa.case((is_over, Standing.ENDED.value), else_=said).label("stands")
    whole = sa.select(paid, stands).select_from(sa.outerjoin(paid, subscriptions, sa.and_(*same))).subquery()
    chosen = [] if standing is None else [whole.c.stands == standing.value]
    # Counted beside, since putting them together takes all the time that there is.
    found = sa.select(whole, sa.func.count().over().label("total")).where(*chosen)
    newest = found.order_by(whole.c.last_at.desc(), whole.c.invoice_id).limit(limit)
    rows = transaction.connection.execute(newest).mappings().all()
    return [_subscription(transaction, row) for row in rows], rows[0]["total"] if rows else 0


@dataclass(frozen=True, slots=True)
class NamedSubscription:
    """A subscription that somebody has named by the beginning of a charge id, and the whole of that."""

    charge_id: str
    subscription: Subscription


def find_subscription(
    transaction: Transaction, bots: Sequence[int], beginning: str, *, others: Standing
) -> NamedSubscription:
    """The subscription of the only payment whose charge id this is, or begins so.

    Raises:
        PaymentError: there is none, or the payment is of none, and the message has the subscriptions in the other
            standing; or there are several payments, and it has those.
    """
    named = find_if_any(transaction, bots, beginning)
    if named is None:
        msg = f"no subscription with charge id {beginning!r} in the ledger; {listed(transaction, bots, others)}"
        raise PaymentError(msg, charge_id=beginning)
    found = _of_charge(transaction, named)
    if found is None:
        what = f"{shortened(named.charge_id)} is no payment of a subscription"
        msg = f"{what}, and nothing was changed; {listed(transaction, bots, others)}"
        raise PaymentError(msg, charge_id=named.charge_id)
    return NamedSubscription(named.charge_id, found)


def listed(transaction: Transaction, bots: Sequence[int], standing: Standing) -> str:
    """The subscriptions in a standing that were paid last, as one may type them."""
    found, _ = read_subscriptions(transaction, bots, standing=standing, limit=_MOST_NAMED)
    return f"{standing.value}: {', '.join(as_typed([one.charge_id for one in found])) or 'none'}"


def subscribed_stages(transaction: Transaction, bots: Sequence[int]) -> list[str]:
    """The stages that were sold by subscription."""
    recurring = (payments.c.is_recurring == 1, payments.c.stage_id.is_not(None))
    query = sa.select(payments.c.stage_id).where(payments.c.bot_id.in_(bots), *recurring)
    return sorted(transaction.connection.execute(query.distinct()).scalars())


def _of_charge(transaction: Transaction, named: Named) -> Subscription | None:
    query = sa.select(payments.c.user_id, payments.c.invoice_id).where(
        payments.c.bot_id == named.bot_id, payments.c.charge_id == named.charge_id, payments.c.is_recurring == 1
    )
    row = transaction.connection.execute(query).first()
    if row is None or row.invoice_id is None:
        return None
    found, _ = read_subscriptions(transaction, [named.bot_id], user_id=row.user_id, invoice_id=row.invoice_id, limit=1)
    return found[0]


def _subscription(transaction: Transaction, row: sa.RowMapping) -> Subscription:
    of_it = [payments.c[name] == row[name] for name in ("bot_id", "user_id", "invoice_id")]
    query = sa.select(payments.c.charge_id, payments.c.stage_id, payments.c.amount_stars)
    newest = query.where(*of_it, payments.c.is_recurring == 1).order_by(payments.c.paid_at.desc()).limit(1)
    payment = transaction.connection.execute(newest).one()
    return Subscription(
        bot_id=row["bot_id"],
        user_id=row["user_id"],
        stage_id=payment.stage_id,
        charge_id=payment.charge_id,
        price_stars=payment.amount_stars,
        payments_count=row["count"],
        since=row["since"],
        paid_until=row["until"],
        standing=Standing(row["stands"]),
    )
