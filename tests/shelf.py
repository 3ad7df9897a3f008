"""An extension with all hooks, each of which needs as many statements for a batch as for one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from neonpay.core.payments import PaymentState
from neonpay.payments.extension import (
    Asked,
    Claim,
    Extension,
    Host,
    Lent,
    Quote,
    Release,
    Released,
    SendBack,
    Settlement,
    Subscriber,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from neonpay.core.checkout import Decline
    from neonpay.core.events import Event
    from neonpay.core.payments import PreCheckout
    from neonpay.payments.gates import Refusal

tables = sa.MetaData()
held = sa.Table("shelf_held", tables, sa.Column("claim_id", sa.Text, primary_key=True), sa.Column("terms", sa.Text))
sold = sa.Table("shelf_sold", tables, sa.Column("charge_id", sa.Text, primary_key=True))
noes = sa.Table("shelf_noes", tables, sa.Column("query_id", sa.Text, primary_key=True))
heard = sa.Table("shelf_heard", tables, sa.Column("event_id", sa.Text, primary_key=True))


class Shelf(Extension):
    """Sells for a Star less, holds a thing for each claim, and notes what is sold, declined and told."""

    name = "shelf"

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        self.host = host
        await host.ledger.run(lambda transaction: tables.create_all(transaction.connection))
        yield

    def quote(self, transaction: Lent, asked: Asked, quote: Quote) -> Quote | Refusal:
        return replace(quote, price_stars=quote.price_stars - 1, terms={"shelf": "top"})

    def hold(self, transaction: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
        rows = [(one.claim_id, str(one.terms.get("shelf"))) for one in claims]
        _replace(transaction, held.c.claim_id, [claim_id for claim_id, _ in rows], rows)
        return {}

    def let_go(self, transaction: Lent, claims: Sequence[Released], why: Release) -> None:
        _replace(transaction, held.c.claim_id, [one.claim_id for one in claims], [])

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        shown = [one.payment for one in payments]
        rows = [(one.charge_id,) for one in shown if one.state is PaymentState.ACCEPTED]
        _replace(transaction, sold.c.charge_id, [one.charge_id for one in shown], rows)
        return {}

    def declined(self, transaction: Lent, query: PreCheckout, reason: Decline | str) -> None:
        _replace(transaction, noes.c.query_id, [query.query_id], [(query.query_id,)])

    def subscribers(self) -> Sequence[Subscriber]:
        return [Subscriber(name="hear", events=frozenset({"payment_completed"}), run=self._hear)]

    async def _hear(self, event: Event) -> None:
        await self.host.ledger.run(lambda tx: _replace(tx, heard.c.event_id, [event.event_id], [(event.event_id,)]))


def _replace(transaction: Lent, key: sa.Column[str], keys: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Two statements, whatever there was: so a hook that is asked again leaves the same."""
    transaction.connection.execute(sa.delete(key.table).where(key.in_(sorted(keys))))
    if rows:
        transaction.connection.execute(sa.insert(key.table).values(list(rows)))
