"""The life of an application: made from an adapter, opened, closed, looked at."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import os
import random
import secrets
import threading
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from neonpay.app.crossing import carried_over
from neonpay.app.unfit import refuse_unfit
from neonpay.core.clock import Clock, SystemClock
from neonpay.core.jsontext import JsonValue
from neonpay.core.payload import is_ours
from neonpay.core.payments import Charge, PreCheckout, RefundNotice
from neonpay.core.ports import Adapter, Capabilities, Command, OwnLoop, Press
from neonpay.core.roles import Role
from neonpay.core.secrecy import guard_logs, passwords_in
from neonpay.core.stages import StageRegistry
from neonpay.core.subscriptions import SubscriptionChange
from neonpay.ledger import open_ledger
from neonpay.ledger.reading import ReadingLedger
from neonpay.payments.gates import Gate
from neonpay.payments.handlers import ON_REFUND, ON_REFUND_REQUEST, Function, HandlerRegistry
from neonpay.payments.listeners import Listeners
from neonpay.payments.middleware import PaymentMiddleware
from neonpay.payments.pipeline import Pipeline
from neonpay.payments.planning import ANSWER_BUYER, ASK_ADMINS
from neonpay.payments.settings import Settings
from neonpay.store.loops import LoopHealth
from neonpay.support.desk import SupportDesk, SupportRules, wants_press
from neonpay.telegram.pacing import PATIENCE_S, may_wait

DEFAULT_DATABASE_URL = "sqlite:///neonpay.db"


class Application:
    """One bot, its stages, its handlers and its ledger.

    The ledger opens with the host library's start-up, with ``setup()``, ``async with``, or the first call that needs it, and
    closes with the host's shutdown or ``close()``.

    Args:
        adapter: the bot library.
        database_url: where payments are kept; ``sqlite:///neonpay.db`` when left out.
        settings: how payments are handled.
        max_stages: most stages that may be on sale at once.
        enable_logging: False silences the ``neonpay`` loggers of this process.
        clock, rng, token_bytes: where time, jitter and keys come from.
    """

    def __init__(
        self,
        adapter: Adapter,
        *,
        database_url: str = DEFAULT_DATABASE_URL,
        settings: Settings | None = None,
        max_stages: int = 100,
        enable_logging: bool = True,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._adapter = adapter
        self._database_url = database_url
        self._settings = settings or Settings()
        self._clock = clock or SystemClock()
        self._rng = rng or random.SystemRandom()
        self._token_bytes = token_bytes
        # Of whoever has made the shop, and not of whoever closes it, comes from another event loop, or records a payment.
        self._context = contextvars.copy_context()
        self._stages = StageRegistry(max_stages=max_stages)
        self._handlers = HandlerRegistry()
        self._revokers = HandlerRegistry(ON_REFUND)
        self._reviewers = HandlerRegistry(ON_REFUND_REQUEST)
        for registry in (self._handlers, self._revokers, self._reviewers, self._stages):
            registry.tell(self._declare_soon)
        self._listeners = Listeners()
        self._gates = self._own_gates()
        self._hooks: list[Function] = []
        self._middlewares: list[PaymentMiddleware] = []
        self._support_rules: SupportRules | None = None
        self._support: SupportDesk | None = None
        guard_logs(passwords_in(database_url))
        if not enable_logging:
            logging.getLogger("neonpay").setLevel(logging.CRITICAL + 1)
        refuse_unfit()
        self._settling = threading.Lock()
        self._left: list[Pipeline] = []
        """Pipelines of a process that this one was forked from: their connections are not ours to close."""
        self._pipeline = self._new_pipeline()
        own_loop = adapter if isinstance(adapter, OwnLoop) else None
        vars(self).update(carried_over(self, self, own_loop))
        sink = _Sink(self)
        vars(sink).update(carried_over(sink, self, own_loop))
        if self._settings.role is not Role.READS:
            adapter.attach(sink)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=functools.partial(_begin_in_child, weakref.ref(self)))

    def _new_pipeline(self) -> Pipeline:
        settings = self._settings
        reads = settings.role is Role.READS
        ledger = open_ledger(self._database_url, clock=self._clock, as_it_is=settings.is_tool or reads)
        pipeline = Pipeline(
            self._adapter,
            ReadingLedger(ledger) if reads else ledger,
            stages=self._stages,
            handlers=self._handlers,
            revokers=self._revokers,
            reviewers=self._reviewers,
            listeners=self._listeners,
            clock=self._clock,
            rng=self._rng,
            token_bytes=self._token_bytes,
            context=self._context,
            settings=settings,
        )
        for gate in self._gates:
            pipeline.add_gate(gate)
        for hook in self._hooks:
            pipeline.checkout.add_hook(hook)
        pipeline.fulfilment.middlewares = self._middlewares
        self._join_support(pipeline)
        return pipeline

    def _own_gates(self) -> list[Gate]:
        """The gates that are asked before all that the program adds."""
        return []

    def _declare_soon(self) -> None:
        self._pipeline.presence.soon()

    def _join_support(self, pipeline: Pipeline) -> None:
        if self._support_rules is not None:
            self._support = desk = SupportDesk(
                self._support_rules,
                pipeline.requests,
                pipeline.adapter,
                pipeline.outbox,
                pipeline.teller,
                self._settings.texts,
            )
            pipeline.fulfilment.add_errand(ASK_ADMINS, desk.ask_admins)
            pipeline.fulfilment.add_errand(ANSWER_BUYER, desk.answer_buyer)

    async def setup(self) -> None:
        """Open the ledger, creating or upgrading its tables, and take up unfinished work; safe to call again.

        Raises:
            LedgerError: the database cannot be used; the subclass says why.
            HandlerError: a payment handler asks for an argument that nobody can give it.
            ConfigurationError: gevent has replaced the threads of this process.
        """
        refuse_unfit()
        await self._pipeline.open()

    def settle(self) -> asyncio.AbstractEventLoop | None:
        """The loop to cross over to from the running one, or None to stay; part of ``Housed``.

        A loop that has ended has taken tasks and connections with it: everything is made anew on the running one, and what
        was interrupted is given back, to be taken up at once.
        """
        here = asyncio.get_running_loop()
        if self._pipeline.loop is here:
            return None
        with self._settling:
            if self._pipeline.was_left_behind:
                interrupted = self._pipeline.abandon()
                self._pipeline = self._new_pipeline()
                self._pipeline.give_back(interrupted)
            return self._pipeline.settle(here)

    def begin_in_child(self) -> None:
        """Called in a process that was forked: nothing of the parent's is used or closed, and opening begins anew."""
        self._settling = threading.Lock()
        self._left.append(self._pipeline)
        self._listeners.forget()
        self._pipeline = self._new_pipeline()

    async def close(self) -> None:
        """Finish or release what runs and close the ledger; safe to call again. ``setup()`` opens it anew.

        Queued invoices whose turn comes while running handlers have time to finish are sent, the others fail with an event.
        """
        pipeline, self._pipeline = self._pipeline, self._new_pipeline()
        await pipeline.close()
        await self._adapter.close()

    async def __aenter__(self) -> Self:
        await self.setup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def call(
        self, method: str, params: Mapping[str, JsonValue] | None = None, *, patience_s: float | None = None
    ) -> JsonValue:
        """The result of any method of the Bot API as plain JSON, asked for through the bot library at Telegram's pace.

        Args:
            method: its name as documented, such as ``sendMessage``.
            patience_s: longest wait for a message's turn, and longest ``retry_after``, that is waited out. When left out, 60
                in handlers of payments and refunds, which keep nobody waiting, and 0 everywhere else, because a bot that
                handles one update after another would answer no checkout meanwhile.

        Raises:
            TelegramError: Telegram refused, or the message's turn comes later than ``patience_s``, which is code 429 with
                ``retry_after_s``; nothing was done.
            TelegramUnreachableError: no answer; it may have been done.
        """
        if patience_s is None:
            patience_s = PATIENCE_S if may_wait.get() else 0.0
        return await self._pipeline.adapter.call(method, params or {}, patience_s=patience_s)

    async def rotate_key(self) -> None:
        """Sign invoices with a new key from now on; those made with the older ones go on verifying."""
        await self._pipeline.rotate_key()

    async def drain(self) -> None:
        """Wait until no handler and no listener runs in this process, however long that takes."""
        await self._pipeline.drain()

    def get_stats(self) -> dict[str, int | str | bool]:
        """What this process is doing, without a look at the database.

        ``loops_alive`` and ``loops_failing`` count the loops of ``loops``; while the ledger is open, ``loops_alive`` falling
        below what it was or ``loops_failing`` staying above 0 is an alarm.
        """
        loops = self._pipeline.loops
        return {
            "total_stages": len(self._stages),
            "registered_callbacks": len(self._handlers),
            "registered_listeners": len(self._listeners),
            "running_handlers": len(self._pipeline.fulfilment.held),
            "library": self._adapter.library,
            "level": str(self._adapter.capabilities.level),
            "bot_id": self._adapter.bot_id,
            "is_open": self._pipeline.is_open,
            "loops_alive": sum(loop.is_alive for loop in loops),
            "loops_failing": sum(loop.failures > 0 for loop in loops),
        }

    @property
    def loops(self) -> list[LoopHealth]:
        """How the loops are that take up work in this process: whether each is alive, and what it last failed with."""
        return self._pipeline.loops

    def capabilities(self) -> Capabilities:
        """What the bot library can do, what goes past it, and what is promised about its updates."""
        return self._adapter.capabilities

    @property
    def support_rules(self) -> SupportRules | None:
        """How buyers are supported; None while ``enable_support`` was not called."""
        return self._support_rules

    @property
    def support(self) -> SupportDesk | None:
        """What answers /paysupport; None while ``enable_support`` was not called."""
        return self._support

    @property
    def adapter(self) -> Adapter:
        """The bot library."""
        return self._adapter

    @property
    def pipeline(self) -> Pipeline:
        """The parts that handle money; the sink of the adapter's updates, and a door for tests and tools."""
        return self._pipeline

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of bot {self._adapter.bot_id} on {self._adapter.library}>"


class _Sink:
    """Hands the adapter's facts to whatever pipeline is open at the time."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._bot_id = app.adapter.bot_id

    def owns(self, bot_id: int, payload: str | None) -> bool:
        return bot_id == self._bot_id and is_ours(payload)

    async def pre_checkout(self, query: PreCheckout) -> None:
        await self._app.pipeline.pre_checkout(query)

    async def charged(self, charge: Charge) -> None:
        await self._app.pipeline.charged(charge)

    async def refunded(self, notice: RefundNotice) -> None:
        await self._app.pipeline.refunded(notice)

    async def subscription_changed(self, change: SubscriptionChange) -> None:
        await self._app.pipeline.subscription_changed(change)

    def wants_command(self, bot_id: int, text: str) -> bool:
        rules = self._app.support_rules
        return bot_id == self._bot_id and rules is not None and rules.wants_command(text)

    def wants_press(self, bot_id: int, data: str) -> bool:
        return bot_id == self._bot_id and self._app.support_rules is not None and wants_press(data)

    async def command(self, command: Command) -> None:
        await self._app.pipeline.open()
        if self._app.support is not None:
            await self._app.support.command(command)

    async def press(self, press: Press) -> None:
        await self._app.pipeline.open()
        if self._app.support is not None:
            await self._app.support.press(press)

    async def open(self) -> None:
        await self._app.pipeline.open()

    async def close(self) -> None:
        await self._app.close()


def _begin_in_child(reference: weakref.ref[Application]) -> None:
    app = reference()
    if app is not None:
        app.begin_in_child()
