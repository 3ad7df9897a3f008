"""Who may buy."""

from __future__ import annotations

from functools import cached_property

from neonpay.app.base import Application
from neonpay.ledger import Ledger
from neonpay.payments.gates import Gate
from neonpay.security import RiskAssessment, Standing
from neonpay.security.manager import SecurityManager


class Guarding(Application):
    """Blocks, trust and limits. They act before checkout; what was paid is recorded and delivered whoever paid."""

    @cached_property
    def security(self) -> SecurityManager:
        """Limits, standings, and what is known about users."""
        return SecurityManager(self._adapter.bot_id, self._opened_ledger, announce=self._listeners.announce)

    async def block_user(self, user_id: int, duration: float | None = None, *, reason: str | None = None) -> Standing:
        """Sell nothing to a user, for ``duration`` seconds or until ``unblock_user``; see ``SecurityManager.block_user``."""
        return await self.security.block_user(user_id, duration, reason=reason)

    async def trust_user(self, user_id: int, *, reason: str | None = None) -> Standing:
        """Let no limit apply to a user; this ends a block."""
        return await self.security.trust_user(user_id, reason=reason)

    async def unblock_user(self, user_id: int, *, reason: str | None = None) -> Standing:
        """Treat a user like every other: neither blocked nor trusted."""
        return await self.security.unblock_user(user_id, reason=reason)

    async def get_user_risk_assessment(self, user_id: int) -> RiskAssessment:
        """What a user's standing and conduct of the last 30 days add up to."""
        return await self.security.get_user_risk_assessment(user_id)

    def _own_gates(self) -> list[Gate]:
        return [self.security.gate]

    async def _opened_ledger(self) -> Ledger:
        await self.setup()
        return self._pipeline.ledger
