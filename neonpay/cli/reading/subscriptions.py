"""Subscriptions as a list shows them: one for each buyer and invoice, put together from its payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.cli.counted import Total
from neonpay.cli.reading.payments import Named, as_typed, find_if_any
from neonpay.cli.reading.standing import Standing
from neonpay.core.charge_ids import shortened
from neonpay.core.clock import moment
from neonpay.core.subscriptions import SubscriptionState
from neonpay.errors import PaymentError
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow, unindexed
from neonpay.ledger.tables import payments, subscriptions

_KEY: Final = (payments.c.bot_id, payments.c.user_id, payments.c.invoice_id)
"""What is paid again and again by the same buyer is one subscription."""
_AT_ONCE: Final = 500
_MOST_NAMED: Final = 8
_MORE: Final = 500
"""How many payments are looked at beyond twice a page: some are of the same subscription, and some are not asked for."""


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
) -> tuple[list[Subscription], Total]:
    """Subscriptions, the one that was paid last first, and how many there are in all.

    Those that were paid last are put together first, and all of them only if these do not fill the page.
    """
    where = [payments.c.is_recurring == 1, payments.c.invoice_id.is_not(None)]
    if stage_id is not None:
        where.append(payments.c.stage_id == stage_id)
    if invoice_id is not None:
        where.append(payments.c.invoice_id == invoice_id)
    rows: list[sa.RowMapping] = []
    total = Total(0)
    for bot_id in bots:
        of_bot = [payments.c.bot_id == bot_id, *where]
        since = None
        if standing in {Standing.CANCELED, Standing.FAILED}:
            of_bot.append(_are_said(bot_id, standing))
        elif user_id is None:
            since = _since(transaction, of_bot, 2 * limit + _MORE)
        if user_id is not None:
            of_bot.append(payments.c.user_id == user_id)
        late = (
            []
            if since is None
            else _put_together(transaction, [*of_bot, _paid_since(bot_id, since)], standing, limit, since)
        )
        are_all = len(late) < limit
        found = _put_together(transaction, of_bot, standing, limit) if are_all else late
        rows += found
        total += Total(found[0]["total"] if found else 0, may_be_more=not are_all)
    rows.sort(key=lambda row: row["last_at"], reverse=True)
    return _subscriptions(transaction, rows[:limit]), total


def _since(transaction: Transaction, where: Sequence[sa.ColumnElement[bool]], count: int) -> datetime | None:
    """When the payment was made that is so many before the newest; None when there are fewer."""
    query = sa.select(payments.c.paid_at).where(*where).order_by(payments.c.paid_at.desc())
    return transaction.connection.execute(query.limit(1).offset(count)).scalar()


def _paid_since(bot_id: int, since: datetime) -> sa.ColumnElement[bool]:
    """Whether a payment is of somebody who has paid for a subscription since a moment."""
    late = payments.alias("late")
    is_late = (late.c.bot_id == bot_id, late.c.paid_at >= since, late.c.is_recurring == 1)
    return payments.c.user_id.in_(sa.select(late.c.user_id).where(*is_late))


def _are_said(bot_id: int, standing: Standing) -> sa.ColumnElement[bool]:
    """Whether a payment is of somebody of one of whose subscriptions Telegram has said this: they are few."""
    is_said = (subscriptions.c.bot_id == bot_id, subscriptions.c.state == standing.value)
    return payments.c.user_id.in_(sa.select(subscriptions.c.user_id).where(*is_said))


def _put_together(
    transaction: Transaction,
    where: Sequence[sa.ColumnElement[bool]],
    standing: Standing | None,
    limit: int,
    since: datetime | None = None,
) -> Sequence[sa.RowMapping]:
    """The subscriptions that these payments are of, those alone that were paid since a moment if there is one."""
    now = moment(int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one()))
    last_at = sa.func.max(payments.c.paid_at)
    paid = (
        sa.select(
            *_KEY,
            sa.func.count().label("count"),
            sa.func.min(payments.c.paid_at).label("since"),
            last_at.label("last_at"),
            sa.func.max(payments.c.recorded_at).label("recorded_at"),
            sa.func.max(payments.c.subscription_expires_at).label("until"),
        )
        .where(*where)
        .group_by(*_KEY)
        .having(sa.true() if since is None else last_at >= since)
        .subquery()
    )
    same = [paid.c[column.name] == subscriptions.c[column.name] for column in _KEY]
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
    return transaction.connection.execute(newest).mappings().all()


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


def _of_charge(transaction: Transaction, named: Named) -> Subscription | None:
    query = sa.select(payments.c.user_id, payments.c.invoice_id).where(
        payments.c.bot_id == named.bot_id, payments.c.charge_id == named.charge_id, payments.c.is_recurring == 1
    )
    row = transaction.connection.execute(query).first()
    if row is None or row.invoice_id is None:
        return None
    found, _ = read_subscriptions(transaction, [named.bot_id], user_id=row.user_id, invoice_id=row.invoice_id, limit=1)
    return found[0]


def _subscriptions(transaction: Transaction, rows: Sequence[sa.RowMapping]) -> list[Subscription]:
    newest: dict[tuple[object, ...], sa.RowMapping] = {}
    for first in range(0, len(rows), _AT_ONCE):
        some = rows[first : first + _AT_ONCE]
        of_them = [payments.c[name].in_({row[name] for row in some}) for name in ("bot_id", "user_id")]
        query = sa.select(*_KEY, payments.c.charge_id, payments.c.stage_id, payments.c.amount_stars)
        in_order = query.where(*of_them, payments.c.is_recurring == 1).order_by(unindexed(payments.c.paid_at))
        newest |= {_key(row): row for row in transaction.connection.execute(in_order).mappings()}
    return [_subscription(row, newest[_key(row)]) for row in rows]


def _key(row: sa.RowMapping) -> tuple[object, ...]:
    return tuple(row[column.name] for column in _KEY)


def _subscription(row: sa.RowMapping, newest: sa.RowMapping) -> Subscription:
    return Subscription(
        bot_id=row["bot_id"],
        user_id=row["user_id"],
        stage_id=newest["stage_id"],
        charge_id=newest["charge_id"],
        price_stars=newest["amount_stars"],
        payments_count=row["count"],
        since=row["since"],
        paid_until=row["until"],
        standing=Standing(row["stands"]),
    )
