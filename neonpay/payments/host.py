"""The shop as its extensions may use it, while it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neonpay.core.clock import Clock
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.ledger import Ledger
from neonpay.payments.delivery.telling import Teller
from neonpay.payments.listeners import Announce
from neonpay.payments.refunds.requests import RequestService
from neonpay.telegram.outbox import Outbox
from neonpay.telegram.paced import PacedAdapter


class ShopHost:
    """One bot's shop; see ``neonpay.payments.extension.Host``.

    Attributes:
        requests: buyers' requests for refunds.
        outbox: messages that answer somebody, at once or when their chat's turn has come.
        teller: messages that jobs send.
        language_of: the language of somebody whom this program has seen and the ledger does not know yet.
    """

    def __init__(
        self,
        adapter: PacedAdapter,
        ledger: Ledger,
        clock: Clock,
        announce: Announce,
        *,
        requests: RequestService,
        outbox: Outbox,
        teller: Teller,
        look_soon: Callable[[], None],
        language_of: Callable[[int], str | None],
    ) -> None:
        self.adapter = adapter
        self.bot_id = adapter.bot_id
        self.ledger = ledger
        self.clock = clock
        self._announce = announce
        self.requests = requests
        self.outbox = outbox
        self.teller = teller
        self._look_soon = look_soon
        self.language_of = language_of

    async def call(self, method: str, params: Mapping[str, JsonValue], *, patience_s: float = 0.0) -> JsonValue:
        """The result of a method of the Bot API, at Telegram's pace."""
        return await self.adapter.call(method, params, patience_s=patience_s)

    def look_soon(self) -> None:
        """Have periodic tasks that are due begin their turns now."""
        self._look_soon()

    def announce(self, *facts: Event) -> None:
        """Tell the listeners of facts that are durable."""
        for fact in facts:
            self._announce(fact)
