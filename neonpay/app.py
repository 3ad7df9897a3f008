"""The application: one bot, its stages, its handlers and its ledger."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from neonpay.core.clock import Clock, SystemClock
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonObject
from neonpay.core.payload import is_ours
from neonpay.core.payments import Charge, Invoice, Payment, PreCheckout, Refund, RefundNotice
from neonpay.core.ports import Adapter
from neonpay.core.stages import PaymentStage, StageRegistry, frozen_json
from neonpay.errors import ValidationError
from neonpay.ledger import open_ledger
from neonpay.payments.handlers import MAX_ATTEMPTS, Function, HandlerRegistry
from neonpay.payments.invoices import Offer
from neonpay.payments.jobs import JobRecord
from neonpay.payments.listeners import Listeners
from neonpay.payments.pipeline import Pipeline, Settings

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_DATABASE_URL = "sqlite:///neonpay.db"


class NeonPayCore:
    """Sells for Telegram Stars through one bot. ``create_neonpay`` makes one from the bot that you have.

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
        self._stages = StageRegistry(max_stages=max_stages)
        self._handlers = HandlerRegistry()
        self._listeners = Listeners()
        self._hooks: list[Function] = []
        if not enable_logging:
            logging.getLogger("neonpay").setLevel(logging.CRITICAL + 1)
        self._pipeline = self._new_pipeline()
        adapter.attach(_Sink(self))

    def _new_pipeline(self) -> Pipeline:
        pipeline = Pipeline(
            self._adapter,
            open_ledger(self._database_url, clock=self._clock),
            stages=self._stages,
            handlers=self._handlers,
            listeners=self._listeners,
            clock=self._clock,
            rng=self._rng,
            token_bytes=self._token_bytes,
            settings=self._settings,
        )
        for hook in self._hooks:
            pipeline.checkout.add_hook(hook)
        return pipeline

    async def setup(self) -> None:
        """Open the ledger, creating or upgrading its tables, and take up unfinished work; safe to call again.

        Raises:
            LedgerError: the database cannot be used; the subclass says why.
            HandlerError: a payment handler asks for an argument that nobody can give it.
        """
        if self._pipeline.was_left_behind:
            # asyncio.run() twice: the loop that the tasks and connections belonged to is gone.
            self._pipeline.abandon()
            self._pipeline = self._new_pipeline()
        await self._pipeline.open()

    async def close(self) -> None:
        """Finish or release what runs and close the ledger; safe to call again. ``setup()`` opens it anew."""
        pipeline, self._pipeline = self._pipeline, self._new_pipeline()
        await pipeline.close()

    async def __aenter__(self) -> Self:
        await self.setup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # What is sold

    def create_payment_stage(self, stage_id: str, stage: PaymentStage) -> PaymentStage:
        """Put a stage on sale under an id of 1–64 bytes.

        Raises:
            ValidationError: the id cannot name a stage.
            StageExistsError: the id is taken.
            StageLimitError: there are ``max_stages`` already.
        """
        return self._stages.create(stage_id, stage)

    def replace_payment_stage(self, stage_id: str, stage: PaymentStage) -> PaymentStage:
        """Sell another version of a stage from now on; unpaid invoices keep the price they were made with.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        return self._stages.replace(stage_id, stage)

    def get_payment_stage(self, stage_id: str) -> PaymentStage | None:
        """The stage on sale under an id, or None."""
        return self._stages.find(stage_id)

    def list_payment_stages(self) -> dict[str, PaymentStage]:
        """Every stage on sale, by id; a copy."""
        return dict(self._stages.list())

    def remove_payment_stage(self, stage_id: str) -> PaymentStage:
        """Take a stage off sale and return it; its unpaid invoices are declined at checkout.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        return self._stages.remove(stage_id)

    # Selling

    async def send_payment(
        self,
        user_id: int,
        stage_id: str,
        *,
        chat_id: int | None = None,
        payload: JsonObject | None = None,
        idempotency_key: str | None = None,
        anyone_may_pay: bool = False,
        options: JsonObject | None = None,
    ) -> Invoice:
        """Send a user an invoice for a stage.

        Args:
            user_id: who may pay; others are declined at checkout unless ``anyone_may_pay``.
            chat_id: where the invoice appears; the user's private chat when left out.
            payload: your own JSON data for this invoice; it comes back in ``result.metadata`` over the stage's own.
            idempotency_key: a second call with the same key returns the invoice of the first, and sends nothing again
                once that has been sent.
            options: more parameters of Telegram's ``sendInvoice``, such as ``protect_content`` or ``reply_markup``.

        Raises:
            StageNotFoundError: no stage has this id; nothing was sent.
            TelegramError: Telegram refused, with its reason as data; nothing was sent. A PaymentError.
            TelegramUnreachableError: no answer; the invoice may have been sent. A PaymentError.
            LedgerError: the ledger cannot be written to; nothing was sent.
        """
        payer_id = None if anyone_may_pay else _id("user_id", user_id)
        offer = self._offer(stage_id, payer_id, payload, idempotency_key)
        await self.setup()
        where = _id("user_id", user_id) if chat_id is None else _id("chat_id", chat_id)
        return await self._pipeline.invoices.send(offer, chat_id=where, options=options or {})

    async def create_payment_link(
        self,
        stage_id: str,
        *,
        user_id: int | None = None,
        payload: JsonObject | None = None,
        idempotency_key: str | None = None,
        options: JsonObject | None = None,
    ) -> Invoice:
        """Make an invoice link for a stage; it is on the returned invoice as ``link``.

        Args:
            user_id: the only user who may pay; anyone when left out.
            options: more parameters of Telegram's ``createInvoiceLink``.

        Raises:
            StageNotFoundError, TelegramError, TelegramUnreachableError, LedgerError: as for ``send_payment``.
        """
        payer_id = None if user_id is None else _id("user_id", user_id)
        offer = self._offer(stage_id, payer_id, payload, idempotency_key)
        await self.setup()
        return await self._pipeline.invoices.link(offer, options=options or {})

    def _offer(
        self, stage_id: str, payer_id: int | None, payload: JsonObject | None, idempotency_key: str | None
    ) -> Offer:
        return Offer(
            stage_id=stage_id,
            stage=self._stages.get(stage_id),
            payer_id=payer_id,
            metadata=frozen_json("payload", payload or {}),
            idempotency_key=idempotency_key,
        )

    # Delivering

    @overload
    def on_payment(self, function: F, /) -> F: ...
    @overload
    def on_payment(
        self,
        function: None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> Callable[[F], F]: ...
    def on_payment(
        self,
        function: F | None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> F | Callable[[F], F]:
        """Have a function deliver what was paid; returns the function itself.

        It runs at least once for every payment, again after it has raised, and in the next process when this one dies.
        It may ask for ``result``, ``ctx`` and the host's objects by name. Effects are exactly once when they are enlisted
        (``ctx.enlist``), made in a step (``ctx.step``), or made by a plain function that asks for ``connection``.

        Args:
            stage: only payments of this stage id, or of these.
            name: what the ledger calls it; its qualified name when left out. Unfinished jobs are found by it.
            max_attempts: attempts before the payment becomes a dead letter that waits for ``retry``.

        Raises:
            HandlerError: the name is taken, or the function cannot be called by name.
        """

        def register(function: F) -> F:
            self._handlers.add(function, name=name, stage=stage, max_attempts=max_attempts)
            return function

        return register if function is None else register(function)

    def on_pre_checkout(self, function: F, /) -> F:
        """Ask a function before a checkout is approved; returns the function itself.

        It may ask for ``query``, ``invoice``, ``stage`` and the host's objects by name. Raising ``CheckoutRefused(text)`` or
        returning a text declines with that text, returning False declines, and whatever goes wrong declines too.
        """
        self._hooks.append(function)
        self._pipeline.checkout.add_hook(function)
        return function

    def on(self, event: str | type[Event], /) -> Callable[[F], F]:
        """Tell a function of every event of a kind, in this process, once the event is durable.

        Raises:
            ValidationError: there is no such event.
        """

        def register(function: F) -> F:
            self._listeners.add(event, function)
            return function

        return register

    # Afterwards

    async def refund(self, charge_id: str, *, reason: str | None = None) -> Refund:
        """Give the Stars of a payment back, whole; returns when they are back. A repeated call changes nothing.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            RefundError: Telegram refuses for good; the Stars stay with the bot.
            TelegramError: Telegram cannot do it now (429 has ``retry_after_s``); the intent is kept, call again.
            TelegramUnreachableError: no answer; the intent is kept, and calling again is safe.
        """
        await self.setup()
        return await self._pipeline.refunds.refund(charge_id, reason=reason)

    async def get_payment(self, charge_id: str) -> Payment:
        """The payment with this charge id; raises PaymentNotFoundError when there is none."""
        await self.setup()
        return await self._pipeline.history.payment(charge_id)

    async def history(self, user_id: int, *, limit: int = 100) -> list[Payment]:
        """A user's payments, newest first."""
        await self.setup()
        return await self._pipeline.history.of_user(user_id, limit=limit)

    async def needs_attention(self, *, limit: int = 100) -> list[Payment]:
        """Payments that were recorded and that a person has to decide on, newest first."""
        await self.setup()
        return await self._pipeline.history.needing_attention(limit=limit)

    async def jobs(self, charge_id: str) -> list[JobRecord]:
        """How far each handler has come with a payment."""
        await self.setup()
        return await self._pipeline.history.jobs_of(charge_id)

    async def dead_letters(self) -> list[JobRecord]:
        """Handlers that have failed on their last attempt."""
        await self.setup()
        return await self._pipeline.history.dead_letters()

    async def stranded_jobs(self) -> list[JobRecord]:
        """Unfinished jobs whose handler this program does not have; they wait for one that has it."""
        await self.setup()
        return await self._pipeline.history.stranded(self._pipeline.fulfilment.consumers)

    async def retry(self, charge_id: str, *, handler: str | None = None) -> int:
        """Run the unfinished handlers of a payment again now, dead letters included; returns how many there are.

        A payment that needs attention is accepted by this: it counts as earned, and its handlers get their jobs.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            PaymentError: the payment needs attention and no handler takes its stage; nothing was changed.
        """
        await self.setup()
        revived = await self._pipeline.history.retry(charge_id, handler=handler)
        self._pipeline.fulfilment.changed.set()
        return revived

    async def rotate_key(self) -> None:
        """Sign invoices with a new key from now on; those made with the older ones go on verifying."""
        await self._pipeline.rotate_key()

    async def drain(self) -> None:
        """Wait until no handler and no listener runs in this process."""
        await self._pipeline.drain()

    def get_stats(self) -> dict[str, int | str | bool]:
        """What this process is doing, without a look at the database."""
        return {
            "total_stages": len(self._stages),
            "registered_callbacks": len(self._handlers),
            "registered_listeners": len(self._listeners),
            "running_handlers": len(self._pipeline.fulfilment.held),
            "library": self._adapter.library,
            "level": str(self._adapter.level),
            "bot_id": self._adapter.bot_id,
            "is_open": self._pipeline.is_open,
        }

    @property
    def adapter(self) -> Adapter:
        """The bot library."""
        return self._adapter

    @property
    def pipeline(self) -> Pipeline:
        """The parts that handle money; the sink of the adapter's updates, and a door for tests and tools."""
        return self._pipeline

    def __repr__(self) -> str:
        return f"<NeonPayCore of bot {self._adapter.bot_id} on {self._adapter.library}>"


class _Sink:
    """Hands the adapter's facts to whatever pipeline is open at the time."""

    def __init__(self, app: NeonPayCore) -> None:
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

    async def open(self) -> None:
        await self._app.setup()

    async def close(self) -> None:
        await self._app.close()


def _id(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value == 0:
        raise ValidationError(field, value, "Telegram's whole-number id")
    return value
