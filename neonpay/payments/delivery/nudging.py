"""A program that leaves all jobs to others has them look soon for whom to tell of what it did."""

from __future__ import annotations

from neonpay.core.events import Event
from neonpay.ledger import Ledger
from neonpay.payments.consumers.fan_out import FAN_OUT
from neonpay.payments.delivery.soon import Soon
from neonpay.store.periodic import poke


class Nudger:
    """Makes the sweep due that gives subscribers their jobs, whenever something was announced.

    Subscribers are those of the programs that run, which look for what is due every few seconds. Without it they would be told
    by the sweep of each minute.
    """

    waits = False
    """Whether some kind of event is waited for here."""

    def __init__(self, ledger: Ledger, bot_id: int) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._soon = Soon(self._nudge)

    def announced(self, event: Event) -> None:
        """An event is durable; must be called on the event loop of the shop."""
        self._soon.ask()

    async def close(self) -> None:
        """Nudge a last time for what was announced since the last time."""
        await self._soon.finish()

    async def _nudge(self) -> None:
        await self._ledger.run(poke, self._bot_id, [FAN_OUT])
