"""What is watched: the program of one bot, as far as it says how it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from neonpay.core.ports import Adapter
    from neonpay.payments.pipeline import Pipeline
    from neonpay.store.loops import LoopHealth


class Watched(Protocol):
    """The program of one bot: ``neonpay.program``."""

    @property
    def loops(self) -> Sequence[LoopHealth]:
        """The loops that take up work in this process."""
        ...

    @property
    def open_circuits(self) -> Sequence[str]:
        """Methods that Telegram is not asked for, since it has not answered them."""
        ...

    @property
    def soft_events(self) -> Mapping[str, int]:
        """What has become of the soft events of this process, by the names of its metrics without ``neonpay_``."""
        ...

    @property
    def adapter(self) -> Adapter:
        """The bot library, which knows the id of the bot."""
        ...

    @property
    def pipeline(self) -> Pipeline:
        """The parts that handle money; the ledger is among them."""
        ...
