"""One bot and its ledger: what the program has told them stays, and the pipeline is made anew when it has to be."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import os
import random
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

from neonpay.app.starting import Starter
from neonpay.app.unfit import refuse_forgetting, refuse_unfit
from neonpay.core.clock import Clock
from neonpay.core.ports import Adapter
from neonpay.core.roles import Role
from neonpay.core.stages import StageRegistry
from neonpay.ledger import Ledger, open_ledger
from neonpay.ledger.memory import Memory, is_memory
from neonpay.ledger.open import place_of
from neonpay.ledger.reading import ReadingLedger
from neonpay.payments.assembly import Registered
from neonpay.payments.checkout.hooks import Hook
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.gates import Gate
from neonpay.payments.handlers.middleware import PaymentMiddleware
from neonpay.payments.handlers.registry import ON_REFUND, ON_REFUND_REQUEST, HandlerRegistry
from neonpay.payments.listeners import Listeners
from neonpay.payments.pipeline import Pipeline
from neonpay.payments.settings import Settings
from neonpay.payments.steps import Around
from neonpay.security.extension import Security
from neonpay.tracking.buffer import MAX_WAITING, SoftBuffer
from neonpay.tracking.writer import SoftWriter

logger = logging.getLogger("neonpay.app")


class House:
    """What lives as long as the program, around the pipeline of the moment.

    A pipeline belongs to one event loop and one process, and is used up when it is closed. Whatever needs one asks for it each
    time, by ``pipeline`` or ``opened()``.
    """

    def __init__(
        self,
        adapter: Adapter,
        *,
        database_url: str,
        pool_size: int | None,
        settings: Settings,
        max_stages: int,
        clock: Clock,
        rng: random.Random,
        token_bytes: Callable[[int], bytes],
    ) -> None:
        refuse_forgetting(database_url)
        self._memory = Memory() if is_memory(database_url) else None
        self.adapter = adapter
        self.settings = settings
        self._database_url = database_url
        self._pool_size = pool_size
        self.clock = clock
        self._rng = rng
        self._token_bytes = token_bytes
        # Of whoever has made the shop, and not of whoever closes it, comes from another event loop, or records a payment.
        self._context = contextvars.copy_context()

        self.stages = StageRegistry(max_stages=max_stages)
        self.handlers = HandlerRegistry()
        self.revokers = HandlerRegistry(ON_REFUND)
        self.reviewers = HandlerRegistry(ON_REFUND_REQUEST)
        self.listeners = Listeners()
        self.extensions = Extensions()
        self.security = Security(adapter.bot_id)
        self.extensions.add(self.security)
        self.soft = SoftBuffer(clock=clock, most=MAX_WAITING if settings.takes_up_work else 0)
        for registry in (self.handlers, self.revokers, self.reviewers, self.stages, self.extensions):
            registry.tell(self._declare_soon)
        for handlers in (self.handlers, self.revokers, self.reviewers):
            handlers.check_when(self._host_while_open)
        self._registered = Registered(
            stages=self.stages,
            handlers=self.handlers,
            revokers=self.revokers,
            reviewers=self.reviewers,
            listeners=self.listeners,
            extensions=self.extensions,
        )
        self.middlewares: list[PaymentMiddleware] = []
        self._around: Around | None = None
        self._gates: list[Gate] = []
        self._hooks: list[Hook] = []

        self.starter: Starter | None = None
        """What opens the shop by itself; None where the program has to."""
        self._residing = threading.Lock()
        self._left: list[Pipeline] = []
        """Pipelines of a process that this one was forked from: their connections are not ours to close."""
        self.pipeline = self._new_pipeline()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=functools.partial(_begin_in_child, weakref.ref(self)))

    @property
    def database_file(self) -> Path | None:
        """The file of the ledger; None where it is none of this machine's."""
        if is_memory(self._database_url) or not self._database_url.startswith("sqlite"):
            return None
        return Path(place_of(self._database_url))

    async def opened(self) -> Pipeline:
        """The pipeline of the moment, opened.

        Raises:
            LedgerError, HandlerError, ConfigurationError: as for ``NeonPayCore.setup``.
        """
        refuse_unfit()
        pipeline = self.pipeline
        await pipeline.open()
        return pipeline

    def new_token(self) -> int:
        """A token that no other lease has."""
        return self._rng.getrandbits(62)

    async def opened_ledger(self) -> Ledger:
        """The ledger of the moment, opened; raises what ``opened`` raises."""
        return (await self.opened()).ledger

    async def close(self) -> None:
        """Finish or release what runs and close the ledger. A later use opens everything anew."""
        if self.starter is not None:
            await self.starter.stop()
        pipeline, self.pipeline = self.pipeline, self._new_pipeline()
        await pipeline.close()
        await self.adapter.close()

    @property
    def is_here(self) -> bool:
        """Whether the pipeline belongs to the running loop."""
        return self.pipeline.loop is asyncio.get_running_loop()

    def reside(self) -> asyncio.AbstractEventLoop | None:
        """The loop to cross over to from the running one, or None to stay; part of ``Home``.

        A loop that has ended has taken tasks and connections with it: everything is made anew on the running one, and what
        was interrupted is given back, to be taken up at once.
        """
        if self.is_here:
            return None
        here = asyncio.get_running_loop()
        with self._residing:
            if self.pipeline.was_left_behind:
                interrupted = self.pipeline.abandon()
                self.pipeline = self._new_pipeline()
                self.pipeline.give_back(interrupted)
            return self.pipeline.reside(here)

    def begin_in_child(self) -> None:
        """Called in a process that was forked: nothing of the parent's is used or closed, and opening begins anew."""
        self._residing = threading.Lock()
        self._left.append(self.pipeline)
        self.listeners.forget()
        self.soft.begin_in_child()
        self.pipeline = self._new_pipeline()

    def add_gate(self, gate: Gate) -> None:
        """Ask a gate at every sale, after those that were added before."""
        self.pipeline.add_gate(gate)
        self._gates.append(gate)

    def add_hook(self, hook: Hook) -> None:
        """Ask a function before each checkout of its stages."""
        if self.pipeline.is_open:
            hook.check(self.adapter.host_data())
            name = getattr(hook.function, "__qualname__", repr(hook.function))
            logger.warning(
                "on_pre_checkout(%s) is declared after the shop has started, and checkouts until now were answered without it; "
                "declare it right after create_neonpay",
                name,
            )
        self.pipeline.checkout.hooks.add(hook)
        self._hooks.append(hook)

    def surround(self, around: Around) -> None:
        """Have ``around`` stand around each step of a payment, in this pipeline and those to come."""
        self._around = around
        self.pipeline.surround(around)

    @property
    def is_surrounded(self) -> bool:
        """Whether somebody stands around the steps."""
        return self._around is not None

    def _new_pipeline(self) -> Pipeline:
        settings = self.settings
        reads = settings.role is Role.READS
        ledger = open_ledger(
            self._database_url,
            clock=self.clock,
            as_it_is=settings.is_tool or reads,
            pool_size=self._pool_size,
            memory=self._memory,
        )
        pipeline = Pipeline(
            self.adapter,
            ReadingLedger(ledger) if reads else ledger,
            self._registered,
            settings,
            database=place_of(self._database_url),
            clock=self.clock,
            rng=self._rng,
            token_bytes=self._token_bytes,
            context=self._context,
        )
        for gate in self._gates:
            pipeline.add_gate(gate)
        for hook in self._hooks:
            pipeline.checkout.hooks.add(hook)
        pipeline.fulfilment.middlewares = self.middlewares
        if self._around is not None:
            pipeline.surround(self._around)
        pipeline.beside.add(SoftWriter(self.soft, pipeline.ledger))
        return pipeline

    def _host_while_open(self) -> Mapping[str, object] | None:
        return self.adapter.host_data() if self.pipeline.is_open else None

    def _declare_soon(self) -> None:
        self.pipeline.presence.soon()
        if self.starter is not None:
            self.starter.declared()


def _begin_in_child(reference: weakref.ref[House]) -> None:
    house = reference()
    if house is not None:
        house.begin_in_child()
