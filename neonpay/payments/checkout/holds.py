"""Holds: what is set aside of something limited for buyers who were let through to pay, each until its time is over.

Whoever gives something out locks the row that it belongs to, and reads what is held in a later statement: what was read
before the lock, or together with it, may lack the holds of whoever had the lock before. The time is the database's, so
that workers whose clocks differ agree. A hold that has lapsed is deleted by whoever counts, before anything else is given
out, so that no clock that goes back can bring it to life again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.ledger import Among, Insert, Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import holds

HOLD_US = 60_000_000
"""How long a hold lasts. Telegram takes the Stars within seconds of the yes, or not at all."""

_MINE = holds.c.bot_id == sa.bindparam("b")
_LAPSED = Among(
    lambda resources: (
        sa.delete(holds)
        .where(_MINE, holds.c.resource.in_(resources), holds.c.until <= DatabaseNow())
        .returning(holds.c.hold_id)
    ),
    "b",
)
_HELD = Among(
    lambda resources: (
        sa.select(holds.c.resource, sa.func.sum(holds.c.quantity), sa.func.max(holds.c.until) - DatabaseNow())
        .where(_MINE, holds.c.resource.in_(resources))
        .group_by(holds.c.resource)
    ),
    "b",
)
_SHORTEN = Among(
    lambda resources: (
        sa.update(holds)
        .where(_MINE, holds.c.resource.in_(resources), holds.c.until > DatabaseNow() + HOLD_US)
        .values(until=DatabaseNow() + HOLD_US)
        .returning(holds.c.hold_id)
    ),
    "b",
)
_KNOWN = Among(
    lambda resources, hold_ids: sa.select(holds.c.hold_id, holds.c.delivery).where(
        _MINE, holds.c.resource.in_(resources), holds.c.hold_id.in_(hold_ids)
    ),
    "b",
    lists=2,
)
_BUYERS = Among(
    lambda resources, user_ids: (
        sa.select(holds.c.resource, holds.c.user_id, holds.c.hold_id, holds.c.quantity)
        .where(_MINE, holds.c.resource.in_(resources), holds.c.user_id.in_(user_ids))
        .order_by(holds.c.until, holds.c.hold_id)
    ),
    "b",
    lists=2,
)
_USE_UP = Among(
    lambda resources, hold_ids: (
        sa.delete(holds)
        .where(_MINE, holds.c.resource.in_(resources), holds.c.hold_id.in_(hold_ids))
        .returning(holds.c.hold_id)
    ),
    "b",
    lists=2,
)
_RELEASE = Statement(
    sa.delete(holds).where(
        _MINE,
        holds.c.resource == sa.bindparam("r"),
        holds.c.hold_id == sa.bindparam("h"),
        holds.c.delivery == sa.bindparam("d"),
        holds.c.tries == 1,
    ),
    *("b", "r", "h", "d"),
)
_UPSERT = Insert(
    holds,
    *("bot_id", "resource", "hold_id", "invoice_id", "user_id", "quantity", "tries", "delivery", "until"),
    computed={"until": lambda lasts_us: DatabaseNow() + lasts_us},
    again=lambda old, new: {
        "until": new.until,
        "delivery": new.delivery,
        # A unit that runs again finds its own row.
        "tries": old.tries + sa.case((old.delivery == new.delivery, sa.literal_column("0")), else_=new.tries),
    },
)


class Hold(NamedTuple):
    """Something set aside for one buyer.

    Attributes:
        hold_id: follows from what the buyer asked, so that the same question asked again holds nothing more.
        delivery: which delivery of the question was answered last; another one says nothing about its answer.
    """

    resource: str
    hold_id: str
    invoice_id: str
    user_id: int
    delivery: str
    quantity: int = 1
    tries: int = 1


def held(transaction: Transaction, bot_id: int, resources: Sequence[str]) -> dict[str, int]:
    """How much of each resource is held; what has lapsed is gone, and nothing lasts longer than a hold may."""
    transaction.rows_among(_LAPSED, (bot_id,), resources)
    rows = transaction.rows_among(_HELD, (bot_id,), resources)
    # A clock has gone back since: what is left of these holds is not known, and a whole one is the most.
    too_long = [resource for resource, _, left_us in rows if left_us > HOLD_US]
    transaction.rows_among(_SHORTEN, (bot_id,), too_long)
    return {str(resource): int(quantity) for resource, quantity, _ in rows}


def deliveries(transaction: Transaction, bot_id: int, keys: Sequence[tuple[str, str]]) -> dict[str, str]:
    """For each of these holds that is there, named by resource and id, the delivery that was answered last."""
    resources, hold_ids = [key[0] for key in keys], [key[1] for key in keys]
    rows = transaction.rows_among(_KNOWN, (bot_id,), resources, hold_ids)
    return {str(hold_id): str(delivery) for hold_id, delivery in rows}


def hold(transaction: Transaction, bot_id: int, claims: Sequence[Hold]) -> None:
    """Set aside what is claimed. What is held already for another delivery lasts anew and is tried once more."""
    merged: dict[tuple[str, str], Hold] = {}
    for claim in claims:
        before = merged.get((claim.resource, claim.hold_id))
        merged[claim.resource, claim.hold_id] = claim if before is None else claim._replace(tries=before.tries + 1)
    rows = [
        (bot_id, h.resource, h.hold_id, h.invoice_id, h.user_id, h.quantity, h.tries, h.delivery, HOLD_US)
        for h in merged.values()
    ]
    transaction.insert(_UPSERT, *rows)


def release(transaction: Transaction, bot_id: int, given: Hold) -> bool:
    """Free what one delivery alone was answered for; whether there was such a hold."""
    return bool(transaction.execute(_RELEASE, bot_id, given.resource, given.hold_id, given.delivery))


def of_buyers(
    transaction: Transaction, bot_id: int, buyers: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """Id and quantity of the holds of each buyer on a resource, the one that ends first at the beginning."""
    found: dict[tuple[str, int], dict[str, int]] = {buyer: {} for buyer in buyers}
    resources, user_ids = [buyer[0] for buyer in found], [buyer[1] for buyer in found]
    for resource, user_id, hold_id, quantity in transaction.rows_among(_BUYERS, (bot_id,), resources, user_ids):
        if (resource, user_id) in found:
            found[resource, user_id][hold_id] = quantity
    return {buyer: list(mine.items()) for buyer, mine in found.items()}


def use_up(transaction: Transaction, bot_id: int, keys: Sequence[tuple[str, str]]) -> None:
    """Holds whose buyers have paid are over."""
    transaction.rows_among(_USE_UP, (bot_id,), [key[0] for key in keys], [key[1] for key in keys])
