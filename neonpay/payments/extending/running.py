"""What extensions do while the shop is open, beside what they are asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from neonpay.core.clock import Clock
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.ledger import Ledger
from neonpay.payments.extensions import Extensions
from neonpay.payments.listeners import Announce
from neonpay.telegram.paced import PacedAdapter

logger = logging.getLogger("neonpay.payments")


class ShopHost:
    """The shop as its extensions may use it; see ``neonpay.payments.extension.Host``."""

    def __init__(self, adapter: PacedAdapter, ledger: Ledger, clock: Clock, announce: Announce) -> None:
        self._adapter = adapter
        self.bot_id = adapter.bot_id
        self.ledger = ledger
        self.clock = clock
        self._announce = announce

    async def call(self, method: str, params: Mapping[str, JsonValue], *, patience_s: float = 0.0) -> JsonValue:
        """The result of a method of the Bot API, at Telegram's pace."""
        return await self._adapter.call(method, params, patience_s=patience_s)

    def announce(self, *facts: Event) -> None:
        """Tell the listeners of facts that are durable."""
        for fact in facts:
            self._announce(fact)


class Running:
    """Enters what extensions run, and leaves it in the opposite order."""

    def __init__(self, extensions: Extensions, host: ShopHost) -> None:
        self._extensions = extensions
        self._host = host
        self._entered: list[tuple[str, AbstractAsyncContextManager[None]]] = []
        self._names: set[str] = set()

    async def open(self) -> None:
        """Enter what is not entered yet; what an extension raises then is raised, since the shop cannot do what it was told."""
        for extension in self._extensions.having("running"):
            if extension.name in self._names:
                continue
            runs = extension.running(self._host)
            await runs.__aenter__()
            self._names.add(extension.name)
            self._entered.append((extension.name, runs))

    async def close(self) -> None:
        """Leave everything; what an extension raises is logged, and the others are left all the same."""
        while self._entered:
            name, runs = self._entered.pop()
            self._names.discard(name)
            try:
                await runs.__aexit__(None, None, None)
            except Exception:  # the shop closes whatever an extension has to say about it
                logger.exception("extension %s could not be left in order", name)
