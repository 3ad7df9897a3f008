"""What the core asks of the outside: a bot library that carries updates and calls, and what it hands to one."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Protocol

from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Charge, PreCheckout, RefundNotice


class Level(enum.StrEnum):
    """What a library lets us promise about an update that carries money."""

    A = "A"
    """Recorded before Telegram is told that the update arrived."""
    B = "B"
    """Recorded right away; a crash in between loses the update, and Telegram's list of transactions still has the charge."""


class UpdateSink(Protocol):
    """Where an adapter hands the payment facts that it finds in updates."""

    def owns(self, bot_id: int, payload: str | None) -> bool:
        """Whether an update of this bot with this invoice payload is ours; the adapter consumes only those."""
        ...

    async def pre_checkout(self, query: PreCheckout) -> None:
        """Decide and answer; returns when Telegram has the answer or can no longer use one."""
        ...

    async def charged(self, charge: Charge) -> None:
        """Record a charge; returns when it is durable. Raises LedgerError when it is not."""
        ...

    async def refunded(self, notice: RefundNotice) -> None:
        """Record a refund that Telegram tells of; returns when it is durable."""
        ...

    async def open(self) -> None:
        """The host starts: open the ledger and take up work."""
        ...

    async def close(self) -> None:
        """The host stops: finish or release what runs, and close the ledger."""
        ...


class Adapter(Protocol):
    """One bot library, as the core sees it: payment facts in, Bot API calls out."""

    @property
    def library(self) -> str:
        """Name of the row in the adapter table, e.g. ``aiogram``."""
        ...

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        ...

    @property
    def level(self) -> Level:
        """The promise that this library can keep with the settings it runs with."""
        ...

    def attach(self, sink: UpdateSink) -> None:
        """Tap the first point that all updates pass; a second call does nothing."""
        ...

    def host_data(self) -> Mapping[str, object]:
        """Objects of the host by name, which handlers may ask for: ``bot`` and the library's own."""
        ...

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON.

        Raises:
            TelegramError: Telegram refused; nothing was done.
            TelegramUnreachableError: no answer; it may have been done.
        """
        ...

    async def close(self) -> None:
        """Give back what the adapter opened itself; the host's bot stays as it is."""
        ...
