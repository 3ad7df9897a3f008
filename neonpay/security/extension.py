"""Security as a part of every sale: the first extension, which every program of every shop has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from neonpay.core.jsontext import JsonObject
from neonpay.core.payments import PreCheckout
from neonpay.ledger.tables_security import conduct, standings
from neonpay.payments.extending.lending import unit_of
from neonpay.payments.extension import Claim, Extension, Lent, Release, Released
from neonpay.payments.gates import Refusal, Sale
from neonpay.security.gate import SecurityGate


class Security(Extension):
    """Asks the gate about each claim, lets go of approvals that lapsed, and counts declines that look like an attempt."""

    name = "security"
    order = 0
    in_unit = True
    is_everywhere = True

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self.gate = SecurityGate(bot_id)

    @property
    def remembers_claims(self) -> bool:
        """Whether a limit counts what is agreed to."""
        return self.gate.counts_checkouts

    def wants_declined(self, reason: str) -> bool:
        """Whether this decline looks like an attempt at something."""
        return reason in self.gate.counts_declines

    def hold(self, transaction: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
        """The gate's noes; what it counts is written with the sale."""
        refusals: dict[str, Refusal] = {}
        # By buyer, so that transactions which lock the same buyers lock them in the same order.
        for claim in sorted(claims, key=_user):
            refusal = self.gate.check(unit_of(transaction), self._sale(claim))
            if refusal is not None:
                refusals[claim.claim_id] = refusal
        return refusals

    def let_go(self, transaction: Lent, claims: Sequence[Released], why: Release) -> None:
        """A checkout that came to nothing does not count; an invoice that was asked for does."""
        if why is not Release.CHECKOUT_LAPSED and why is not Release.REFUSED:
            return
        for claim in claims:
            if claim.user_id is not None:
                self.gate.withdrawn(unit_of(transaction), claim.user_id, claim.claim_id)

    def declined(self, transaction: Lent, query: PreCheckout, reason: str) -> None:
        """Count it."""
        self.gate.declined(unit_of(transaction), query, reason)

    def erase(self, transaction: Lent, user_id: int) -> None:
        """Words go; a block stays, and what limits count."""
        for table, column in ((standings, standings.c.reason), (conduct, conduct.c.note)):
            its = (table.c.bot_id == self._bot_id, table.c.user_id == user_id, column.is_not(None))
            transaction.connection.execute(sa.update(table).where(*its).values({column: None}))

    def export(self, transaction: Lent, user_id: int) -> JsonObject:
        """Whether they are blocked or trusted, and since when and why."""
        query = sa.select(standings.c.standing, standings.c.since, standings.c.until, standings.c.reason)
        row = transaction.connection.execute(
            query.where(standings.c.bot_id == self._bot_id, standings.c.user_id == user_id)
        ).first()
        if row is None:
            return {}
        until = None if row.until is None else row.until.isoformat()
        return {"standing": row.standing, "since": row.since.isoformat(), "until": until, "reason": row.reason}

    def _sale(self, claim: Claim) -> Sale:
        return Sale(
            bot_id=self._bot_id,
            sale_id=claim.claim_id,
            user_id=claim.user_id,
            stage_id=claim.stage_id,
            price_stars=claim.price_stars,
            invoice=claim.invoice,
            query=claim.query,
        )


def _user(claim: Claim) -> int:
    return claim.user_id or 0
