"""``neonpay.program``: what those look at and take apart who run a program, watch it, test it or build upon it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from neonpay.app.house import House
from neonpay.core.namespaces import M, Namespace, verb
from neonpay.core.ports import Adapter, Breaking, Capabilities
from neonpay.errors import ConfigurationError
from neonpay.installing import install_line
from neonpay.payments.namespaces.served import Opened
from neonpay.payments.pipeline import Pipeline
from neonpay.store.loops import LoopHealth

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

N = TypeVar("N")


class Program(Namespace[M], path="program"):
    """This program of the shop: how it is at this moment, and what it is made of."""

    def __init__(self, mode: M, house: House) -> None:
        super().__init__(mode)
        self._house = house

    @property
    def loops(self) -> list[LoopHealth]:
        """How the loops are that take up work in this process: whether each is alive, and what it last failed with."""
        return self._house.pipeline.loops

    @property
    def open_circuits(self) -> list[str]:
        """The Bot API methods that a bare token does not call for the moment, since they had no answer again and again.

        Checkouts, refunds, updates and the comparison with Telegram are never among them.
        """
        adapter = self._house.adapter
        return adapter.open_circuits if isinstance(adapter, Breaking) else []

    @property
    def soft_events(self) -> Mapping[str, int]:
        """How many soft events wait, were written and were shed in this process, and how often an extension failed at one."""
        soft = self._house.soft
        return {
            "soft_events_waiting": len(soft),
            "soft_events_written": soft.written,
            "soft_events_shed": soft.shed,
            "seen_faults": self._house.extensions.seen_faults,
        }

    def capabilities(self) -> Capabilities:
        """What the bot library can do, what goes past it, and what is promised about its updates."""
        return self._house.adapter.capabilities

    def trace(self, tracer_provider: TracerProvider | None = None) -> None:
        """Make spans of OpenTelemetry around invoices, checkouts, recordings, handlers and refunds from now on.

        Call it once, before the bot starts. It needs the extra ``telemetry``. A program that does not call it pays nothing.

        Args:
            tracer_provider: whose spans they are; the one that the program has set when left out.

        Raises:
            ConfigurationError: opentelemetry-api is not installed, or it was called before.
        """
        if self._house.is_surrounded:
            msg = "neonpay.program.trace() was called before; call it once, where the program starts"
            raise ConfigurationError(msg)
        try:
            from neonpay.monitoring.tracing import tracing
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "opentelemetry":
                raise
            msg = f"neonpay.program.trace() needs opentelemetry-api; run: {install_line('telemetry')}"
            raise ConfigurationError(msg) from error
        spans = tracing(self.adapter.bot_id, tracer_provider)
        self._house.middlewares.insert(0, spans)
        self._house.surround(spans.around)

    @property
    def adapter(self) -> Adapter:
        """The bot library."""
        return self._house.adapter

    @property
    def pipeline(self) -> Pipeline:
        """The parts that handle money, as they are at this moment; a door for tests and tools."""
        return self._house.pipeline

    @verb
    async def drain(self) -> None:
        """Wait until no handler and no listener runs in this process, however long that takes."""
        await self._house.pipeline.drain()

    def namespace(self, kind: Callable[[M, Opened], N], /) -> N:
        """A namespace of your own: a ``Served``, awaited of ``neonpay`` and waited for of ``neonpay.sync``."""
        return kind(self._mode, self._house.opened)
