"""The first buyers of a shop, as they are now."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.events import Event
from neonpay.core.payments import PaymentState
from neonpay.payments.extension import Extension, Host, Lent, SendBack, Settlement, Subscriber
from neonpay.store.periodic import PeriodicTask, Turn

tables = sa.MetaData()
purchases = sa.Table(
    "badge_purchases",
    tables,
    sa.Column("bot_id", sa.BigInteger, primary_key=True),
    sa.Column("charge_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
)


def holders(connection: sa.Connection, bot_id: int, limit: int = 100) -> list[int]:
    """Who has a badge, in the order of the badges' numbers."""
    first = sa.func.min(purchases.c.at_us), purchases.c.user_id
    query = sa.select(purchases.c.user_id).where(purchases.c.bot_id == bot_id).group_by(purchases.c.user_id)
    return list(connection.scalars(query.order_by(*first).limit(limit)))


class Badges(Extension):
    name = "badge"

    def __init__(self, limit: int = 100) -> None:
        self.limit = limit

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        await host.ledger.run(lambda transaction: tables.create_all(transaction.connection))
        self.host = host
        yield

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        shown = [one.payment for one in payments]
        here = purchases.c.bot_id == shown[0].bot_id, purchases.c.charge_id.in_([one.charge_id for one in shown])
        transaction.connection.execute(sa.delete(purchases).where(*here))
        rows = [
            (one.bot_id, one.charge_id, one.user_id, microseconds(one.recorded_at))
            for one in shown
            if one.state is PaymentState.ACCEPTED
        ]
        if rows:
            transaction.connection.execute(sa.insert(purchases).values(rows))
        return {}

    async def having(self) -> list[int]:
        return await self.host.ledger.read(lambda tx: holders(tx.connection, self.host.bot_id, self.limit))

    async def tell(self, event: Event) -> None:
        having = await self.having()
        if event.user_id in having:
            text = f"You have badge number {having.index(event.user_id) + 1}."
            await self.host.call("sendMessage", {"chat_id": event.user_id, "text": text})

    async def count(self, turn: Turn) -> None:
        logging.getLogger("neonpay_badge").info("%d of %d badges are given", len(await self.having()), self.limit)

    def subscribers(self) -> Sequence[Subscriber]:
        return [Subscriber(name="tell", events=frozenset({"payment_delivered"}), run=self.tell)]

    def periodic(self) -> Sequence[PeriodicTask]:
        return [PeriodicTask("badge:count", 3600, self.count, at_start=True)]
