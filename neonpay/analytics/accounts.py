"""The books beside Telegram: the balance, the T-account, and what moved Stars beside sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.counting import counted, edges_of, sums
from neonpay.analytics.figures import Account, AccountDay, Balance, Spending
from neonpay.analytics.marks import newer
from neonpay.analytics.measures import IN_STARS, Measure, microseconds_of, recorded_by
from neonpay.analytics.periods import Bucket, Period, Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.takings import takings_in
from neonpay.core.clock import moment
from neonpay.core.transactions import NANOSTARS
from neonpay.ledger import Transaction
from neonpay.ledger.tables import duties, events, payments, unexplained
from neonpay.reconcile.checkpoint import Tally
from neonpay.reconcile.reconciler import RECONCILE

HELD_FOR: Final = timedelta(days=21)
"""How long Telegram may hold back what was paid (https://telegram.org/tos/bot-developers §6.2, read 2026-11-20)."""
_AHEAD: Final = timedelta(days=36_500)
"""What Telegram's clock may be ahead of ours: whatever was paid since is held."""
_EVER: Final = Span(moment(0), moment(1))
"""Where the measures of the balance count everything."""
_ALWAYS: Final = Span(moment(0), datetime.max.replace(tzinfo=UTC))
_UNEXPLAINED: Final = "unexplained"
_WAITING: Final = "waiting"


def tallies(transaction: Transaction, scope: Scope) -> dict[int, Tally]:
    """How far the comparison of each bot with Telegram has come, where there was one."""
    query = sa.select(duties.c.bot_id, duties.c.position, duties.c.memo).where(
        scope.has(duties.c.bot_id), duties.c.name == RECONCILE
    )
    return {bot_id: Tally.read(position, memo) for bot_id, position, memo in transaction.connection.execute(query)}


def balance(transaction: Transaction, scope: Scope, now: datetime) -> Balance:
    """What the books say that Telegram holds for the bots, and what Telegram said when it was last asked.

    The account of Stars, over all time, whatever stages are looked at. Held: what was paid in the last 21 days less what of it
    went back, which Telegram may not pay out yet; withdrawable is the rest.
    """
    bots = Scope(scope.bot_ids)
    whole = sum(value for _, _, value in sums(transaction, counted(transaction, Measure.BALANCE, bots, [_EVER])))
    rest = sum(value for _, _, value in sums(transaction, counted(transaction, Measure.BALANCE_REST, bots, [_EVER])))
    known = [tally for tally in tallies(transaction, bots).values() if tally.balance is not None]
    is_known = len(known) == len(bots.bot_ids)
    held = takings_in(transaction, bots, Span(now - HELD_FOR, now + _AHEAD)).net_stars
    return Balance(
        nanostars=whole * NANOSTARS + rest,
        held_stars=held,
        telegram_nanostars=sum(tally.balance or 0 for tally in known) if is_known else None,
        as_of=min(moment(tally.compared_us) for tally in known) if is_known else None,
        drift_nanostars=sum(tally.drift for tally in known),
    )


def account(transaction: Transaction, scope: Scope, period: Period, by: Bucket, now: datetime) -> Account:
    """What we wrote, what Telegram's list of transactions has, and the gap between them, by day.

    Ledger: Stars paid, by the day of payment, less Stars refunded, by the day of the refund, and other movements by the day on
    which the comparison has found them. Telegram: the same without the payments that its list does not have although it was
    read since (unexplained), or that no comparison has looked for yet (waiting). The gap is these.
    """
    spans = period.buckets(by)
    paid = _by_place(transaction, Measure.PAID, scope, spans)
    refunded = _by_place(transaction, Measure.REFUNDED, scope, spans)
    moved = _by_place(transaction, Measure.MOVED, scope, spans)
    unlisted = _unlisted_in(transaction, scope, [*spans, _ALWAYS])
    days = [
        AccountDay(
            span=span,
            paid_stars=paid.get(place, 0),
            refunded_stars=refunded.get(place, 0),
            other_nanostars=moved.get(place, 0),
            unlisted=unlisted[place, _UNEXPLAINED][0] + unlisted[place, _WAITING][0],
            unlisted_stars=unlisted[place, _UNEXPLAINED][1] + unlisted[place, _WAITING][1],
        )
        for place, span in enumerate(spans)
    ]
    unexplained_count, unexplained_stars = unlisted[len(spans), _UNEXPLAINED]
    waiting, waiting_stars = unlisted[len(spans), _WAITING]
    return Account(
        period=period,
        days=tuple(days),
        others=spending(transaction, scope, period.span),
        balance=balance(transaction, scope, now),
        unexplained=unexplained_count,
        unexplained_stars=unexplained_stars,
        waiting=waiting,
        waiting_stars=waiting_stars,
    )


def spending(transaction: Transaction, scope: Scope, span: Span) -> tuple[Spending, ...]:
    """What moved Stars beside sales in a span, by account, whatever stages are looked at: withdrawals, gifts, ads."""
    found = sums(transaction, counted(transaction, Measure.MOVED, Scope(scope.bot_ids), [span]), "detail")
    return tuple(sorted((Spending(str(key), number, value) for (key,), number, value in found), key=_account))


def gap_stars(transaction: Transaction, scope: Scope) -> int | None:
    """Stars of payments that Telegram's list does not have, or not yet, over all time; None when a bot was never compared."""
    known = tallies(transaction, scope)
    if any(bot_id not in known or known[bot_id].balance is None for bot_id in scope.bot_ids):
        return None
    return _sum(transaction, _unexplained(scope))[1] + _sum(transaction, _waiting(transaction, scope))[1]


def _account(one: Spending) -> str:
    return one.account


def _by_place(transaction: Transaction, measure: Measure, scope: Scope, spans: Sequence[Span]) -> dict[int, int]:
    about = Scope(scope.bot_ids) if measure is Measure.MOVED else scope
    found = sums(transaction, counted(transaction, measure, about, spans), "place")
    return {int(place): value for (place,), _, value in found}


def _unlisted_in(
    transaction: Transaction, scope: Scope, spans: Sequence[Span]
) -> dict[tuple[int, str], tuple[int, int]]:
    """How many payments and Stars Telegram's list does not have or not yet, by the place of the span and by which it is."""
    kinds = ((_UNEXPLAINED, _unexplained(scope)), (_WAITING, _waiting(transaction, scope)))
    # Read whole and before the edges, once for all of them.
    rows = sa.union_all(
        *[
            sa.select(sa.literal_column(f"'{kind}'", sa.Text).label("kind"), part.c.at, part.c.stars)
            for kind, query in kinds
            for part in [query.subquery()]
        ]
    )
    rows_read = rows.cte("rows_read").prefix_with("MATERIALIZED")
    edges = edges_of(spans)
    within = sa.and_(rows_read.c.at >= edges.c.starts, rows_read.c.at < edges.c.ends)
    query = (
        sa.select(edges.c.place, rows_read.c.kind, sa.func.count(), sa.func.sum(rows_read.c.stars))
        .join_from(edges, rows_read, within)
        .group_by(edges.c.place, rows_read.c.kind)
    )
    found: dict[tuple[int, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for place, kind, number, stars in transaction.connection.execute(query):
        found[int(place), str(kind)] = (int(number), int(stars))
    return found


def _unexplained(scope: Scope) -> sa.Select[tuple[int, int]]:
    """Payments that Telegram's list does not have although it was read since they were recorded."""
    is_it = sa.and_(payments.c.bot_id == unexplained.c.bot_id, payments.c.charge_id == unexplained.c.charge_id)
    return (
        sa.select(microseconds_of(payments.c.paid_at).label("at"), payments.c.amount_stars.label("stars"))
        .join_from(unexplained, payments, is_it)
        .where(scope.has(unexplained.c.bot_id, payments.c.stage_id), IN_STARS)
    )


def _waiting(transaction: Transaction, scope: Scope) -> sa.Select[tuple[int, int]]:
    """Payments that no comparison has looked for yet, and that no page of the list has shown."""
    known = tallies(transaction, scope)
    examined = {bot_id: known[bot_id].examined if bot_id in known else 0 for bot_id in scope.bot_ids}
    columns = (microseconds_of(payments.c.paid_at).label("at"), payments.c.amount_stars.label("stars"))
    is_it = [payments.c.is_listed.is_(None), IN_STARS]
    if scope.stage_ids is not None:
        is_it.append(payments.c.stage_id.in_(scope.stage_ids))
    # Nothing here is said of the bot of a payment: SQLite would begin with all of its payments. The events say it.
    new = sa.select(*columns).join_from(events, payments, recorded_by()).where(*is_it)
    parts = [new.where(part) for part in newer({bot_id: number for bot_id, number in examined.items() if number})]
    if never := [bot_id for bot_id, number in examined.items() if not number]:
        # Every event is newer than nothing, and payments are fewer than events.
        parts.append(sa.select(*columns).where(payments.c.bot_id.in_(never), *is_it))
    together = sa.union_all(*parts).subquery("waiting")
    return sa.select(together.c.at, together.c.stars)


def _sum(transaction: Transaction, rows: sa.Select[tuple[int, int]]) -> tuple[int, int]:
    found = rows.subquery()
    number, stars = transaction.connection.execute(sa.select(sa.func.count(), sa.func.sum(found.c.stars))).one()
    return int(number), int(stars or 0)
