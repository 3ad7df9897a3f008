"""What somebody has paid counts under another name in the rollups, when the one that it was counted under has changed.

Rollups count payments by what is known of their buyer, such as the language. They are sums, so a change of what is known
moves what was counted from one name to the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from neonpay.core.events import PaymentRefunded
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import RefundState
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import duties, events, payments, refunds
from neonpay.ledger.tables_rollups import WIDTHS_US

ONE_OFF: Final = "one_off"
UNKNOWN: Final = ""
"""The name of whatever is not known."""

_INTO: Final = {
    width_us: Insert(
        table,
        *[column.name for column in table.c],
        again=lambda kept, new: {"n": kept["n"] + new["n"]},
    )
    for table, width_us in WIDTHS_US.items()
}


class Naming(NamedTuple):
    """What payments are counted by that is known of their buyer.

    Attributes:
        duty: the periodic task whose position says up to which number the events are counted.
        paid, returned: the measures, as ``neonpay.analytics.measures`` has them.
        name: under what a payment counts now.
    """

    duty: str
    paid: str
    returned: str
    name: Callable[[], sa.ColumnElement[str]]


def counted_up_to(transaction: Transaction, naming: Naming, bot_id: int) -> int:
    """Up to which number the events of a bot are counted, 0 for nothing; nobody counts more until the transaction ends."""
    position = sa.select(duties.c.position).where(duties.c.bot_id == bot_id, duties.c.name == naming.duty)
    return int(transaction.connection.execute(position.with_for_update()).scalar() or 0)


def move_sales(transaction: Transaction, naming: Naming, bot_id: int, user_id: int, counted: int, into: str) -> None:
    """What somebody has paid counts under ``into`` in the rollups, and no longer under what ``naming`` says of it now.

    Args:
        counted: as ``counted_up_to`` said it in this transaction.
    """
    for width_us, insert in _INTO.items():
        rows = _moved(transaction, naming, bot_id, user_id, counted, into, width_us)
        if rows:
            transaction.insert(insert, *rows)


def _moved(
    transaction: Transaction, naming: Naming, bot_id: int, user_id: int, counted: int, into: str, width_us: int
) -> list[tuple[object, ...]]:
    """What is to be added to the rollups of this width."""
    told = sa.select(events.c.event_id, events.c.name, events.c.charge_id).where(
        events.c.bot_id == bot_id,
        events.c.user_id == user_id,
        events.c.number.is_not(None),
        events.c.number <= counted,
    )
    recorded: set[str] = set()
    back: Counter[str] = Counter()
    for event_id, name, charge_id in transaction.connection.execute(told):
        recorded.add(event_id)
        if name == PaymentRefunded.name:
            back[charge_id] += 1
    sums: Counter[tuple[object, ...]] = Counter()
    for row in transaction.connection.execute(_paid(naming, bot_id, user_id)):
        slot = row.paid_us // width_us * width_us
        kind = "" if row.is_recurring else ONE_OFF
        times = {naming.paid: int(row.event_id in recorded), naming.returned: back[row.charge_id] if row.is_back else 0}
        for measure, n in times.items():
            for name, sign in ((row.name, -1), (into, 1)):
                sums[measure, slot, row.stage_id or "", kind, name, row.amount_stars] += sign * n
    return [(bot_id, *key, n) for key, n in sums.items() if n]


def _paid(naming: Naming, bot_id: int, user_id: int) -> sa.Select[Any]:
    is_its = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        refunds.c.state == RefundState.REFUNDED.value,
    )
    return (
        sa.select(
            payments.c.charge_id,
            payments.c.event_id,
            sa.type_coerce(payments.c.paid_at, sa.BigInteger).label("paid_us"),
            payments.c.stage_id,
            payments.c.is_recurring,
            payments.c.amount_stars,
            naming.name().label("name"),
            refunds.c.charge_id.is_not(None).label("is_back"),
        )
        .join_from(payments, refunds, is_its, isouter=True)
        .where(payments.c.bot_id == bot_id, payments.c.user_id == user_id, payments.c.currency == CURRENCY)
    )
