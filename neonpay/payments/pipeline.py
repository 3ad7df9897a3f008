"""The life of a payment, wired for one bot and one ledger."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextvars import Context

from neonpay.books.sealing import Sealer
from neonpay.books.verification import Proof, prove
from neonpay.core.clock import Clock
from neonpay.core.fitting import fit_change, fit_charge, fit_notice
from neonpay.core.payload import is_ours
from neonpay.core.payments import Charge, Payment, PaymentState, PreCheckout, RefundNotice, Source
from neonpay.core.ports import Adapter
from neonpay.core.reports import ReconcileReport
from neonpay.core.roles import Role
from neonpay.core.stages import StageRegistry
from neonpay.core.subscriptions import SubscriptionChange
from neonpay.ledger import Ledger
from neonpay.payments.checkout import CheckoutGuard
from neonpay.payments.checkout_book import CheckoutBook
from neonpay.payments.declaring import Declarations
from neonpay.payments.fan_out import FanOut
from neonpay.payments.fulfilment import Fulfilment
from neonpay.payments.gates import Gate
from neonpay.payments.handlers import HandlerRegistry
from neonpay.payments.history import History
from neonpay.payments.intake import Intake
from neonpay.payments.invoice_book import InvoiceBook
from neonpay.payments.invoices import InvoiceDesk
from neonpay.payments.jobs import JobBook
from neonpay.payments.listeners import Listeners
from neonpay.payments.patience import within
from neonpay.payments.planning import PLAN, THANK_YOU, Plan, Program
from neonpay.payments.presence import Presence
from neonpay.payments.recording import Recorder, recorded_event
from neonpay.payments.refund_book import RefundBook
from neonpay.payments.refund_requests import RequestDesk
from neonpay.payments.refunds import RefundDesk
from neonpay.payments.request_book import RequestBook
from neonpay.payments.settings import Settings
from neonpay.payments.signing import Signing
from neonpay.payments.standing import Arrival
from neonpay.payments.subscriptions import SubscriptionDesk
from neonpay.payments.telling import Teller
from neonpay.payments.thanks import Thanks
from neonpay.payments.threads import MOST_HANDLERS, MOST_HOOKS, Threads
from neonpay.payments.unclaimed import Unclaimed
from neonpay.payments.worker import Worker
from neonpay.reconcile.reconciler import RECONCILE, RECONCILE_EVERY_S, Reconciler
from neonpay.store.ids import new_event_id, new_invoice_id, new_request_id
from neonpay.store.job_rows import Job
from neonpay.store.loops import LoopHealth
from neonpay.store.periodic import PeriodicRunner, PeriodicStore, PeriodicTask
from neonpay.store.stage_versions import Catalogue
from neonpay.telegram.outbox import Outbox
from neonpay.telegram.paced import PacedAdapter
from neonpay.telegram.pacing import Pacer

logger = logging.getLogger("neonpay.payments")

_GIVE_BACK_S = 2.0
_CLOSE_S = 8.0


class Pipeline:
    """Everything that happens to the money of one bot, from opening its ledger to closing it."""

    def __init__(
        self,
        adapter: Adapter,
        ledger: Ledger,
        *,
        stages: StageRegistry,
        handlers: HandlerRegistry,
        revokers: HandlerRegistry,
        reviewers: HandlerRegistry,
        listeners: Listeners,
        clock: Clock,
        rng: random.Random,
        token_bytes: Callable[[int], bytes],
        context: Context,
        settings: Settings,
    ) -> None:
        pacer = Pacer(messages_per_s=settings.messages_per_s, checkout_budget_s=settings.checkout_budget_s)
        self._adapter = adapter = PacedAdapter(adapter, pacer)
        self._bot_id = adapter.bot_id
        self._ledger = ledger
        self._handlers = handlers
        self._revokers = revokers
        self._reviewers = reviewers
        self._listeners = listeners
        self._settings = settings
        self._opening = asyncio.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop that the pipeline belongs to; None before its first use."""
        self._given_back: list[Job] = []
        # Units that run handlers may block: on PostgreSQL they run where the host's event loop does not wait for them.
        apart = ledger.apart
        self._handler_threads = Threads(name="neonpay-handler", most=MOST_HANDLERS)
        self._hook_threads = Threads(name="neonpay-hook", most=MOST_HOOKS)
        catalogue = Catalogue(self._bot_id)
        announce = listeners.announce

        def new_token() -> int:
            return rng.getrandbits(62)

        self._signing = signing = Signing(ledger, self._bot_id, settings.secrets, clock=clock, token_bytes=token_bytes)
        thanks = settings.thank_you_message is not None
        program = Program(handlers, revokers, reviewers, thanks=thanks, role=settings.runs_as)
        self._plan = plan = Plan(self._bot_id, program)
        self._jobs = jobs = JobBook(ledger, self._bot_id, clock=clock, new_token=new_token, lease_s=settings.lease_s)
        refund_book = RefundBook(
            self._bot_id,
            catalogue=catalogue,
            plan=plan,
            clock=clock,
            new_event_id=new_event_id,
            new_token=new_token,
            lease_us=jobs.lease_us,
            host_data=adapter.host_data,
        )
        self.fulfilment = Fulfilment(
            ledger,
            apart,
            jobs,
            program,
            refund_book,
            catalogue,
            bot_id=self._bot_id,
            clock=clock,
            rng=rng,
            new_event_id=new_event_id,
            host_data=adapter.host_data,
            announce=announce,
            threads=self._handler_threads,
            context=context,
            most_running=0 if settings.is_tool else settings.most_running,
        )
        recorder = Recorder(
            self._bot_id,
            catalogue=catalogue,
            plan=plan,
            new_event_id=new_event_id,
            new_token=new_token,
            lease_us=jobs.lease_us,
            host_data=adapter.host_data,
            refund_book=refund_book,
        )
        self._intake = Intake(ledger, apart, recorder, program, patience_s=settings.patience_s)
        self.checkout = CheckoutGuard(
            ledger,
            adapter,
            book=CheckoutBook(self._bot_id, stages=stages, catalogue=catalogue, clock=clock),
            verify=signing.verify,
            new_event_id=new_event_id,
            announce=announce,
            host_data=adapter.host_data,
            threads=self._hook_threads,
            texts=settings.texts,
            budget_s=settings.checkout_budget_s,
        )
        self.outbox = Outbox(adapter)
        self.teller = Teller(adapter)
        self._invoice_book = InvoiceBook(self._bot_id, catalogue=catalogue, clock=clock)
        self.invoices = InvoiceDesk(
            ledger,
            adapter,
            self.outbox,
            self._invoice_book,
            codec=signing.codec,
            clock=clock,
            new_event_id=new_event_id,
            new_invoice_id=new_invoice_id,
            new_token=new_token,
            announce=announce,
            texts=settings.texts,
        )
        self.refunds = RefundDesk(ledger, apart, adapter, refund_book, self.fulfilment, rng=rng)
        self.subscriptions = SubscriptionDesk(
            ledger, adapter, catalogue=catalogue, clock=clock, new_event_id=new_event_id, announce=announce
        )
        request_book = RequestBook(
            self._bot_id,
            refund_book,
            catalogue=catalogue,
            clock=clock,
            new_event_id=new_event_id,
            new_request_id=new_request_id,
            new_token=new_token,
            lease_us=jobs.lease_us,
        )
        self.requests = RequestDesk(
            ledger,
            request_book,
            reviewers,
            self.fulfilment,
            self.refunds,
            plan=plan,
            host_data=adapter.host_data,
            threads=self._handler_threads,
        )
        self.history = History(ledger, self._bot_id, catalogue=catalogue, plan=plan, announce=announce)
        self._worker = Worker(jobs, self.fulfilment, poll_s=settings.poll_s)
        self._periodic_store = PeriodicStore(ledger, self._bot_id, new_token=new_token)
        self.periodic = PeriodicRunner(self._periodic_store)
        self._reconciler = Reconciler(
            ledger,
            adapter.call,
            bot_id=self._bot_id,
            clock=clock,
            rules=settings.reconcile,
            charged=self.charged,
            refunded=self.refunded,
            price_of=signing.price_of,
            new_event_id=new_event_id,
            announce=announce,
        )
        self.sealer = Sealer(ledger, self._bot_id, clock=clock)
        self.fan_out = FanOut(ledger, self._bot_id, new_token=new_token)
        wake = self.fulfilment.changed.set
        self.presence = Presence(ledger, Declarations(self._bot_id), program, stages, bot_id=self._bot_id, changed=wake)
        self._unclaimed = Unclaimed(ledger, refund_book, plan, bot_id=self._bot_id, announce=announce, wake=wake)
        self._take_on()

    def _take_on(self) -> None:
        """What this program does beside running handlers."""
        settings = self._settings
        if settings.reconcile.every_s is not None:
            self.periodic.add(PeriodicTask(RECONCILE, settings.reconcile.every_s, self._reconciler.work, at_start=True))
        self.periodic.add(self.sealer.task)
        self.periodic.add(self.fan_out.task)
        self.fulfilment.add_chore(PLAN, self._unclaimed.look)
        if settings.thank_you_message is not None and settings.runs_as is Role.DELIVERS:
            self.fulfilment.add_errand(THANK_YOU, Thanks(self.teller, settings.thank_you_message).send)

    @property
    def adapter(self) -> PacedAdapter:
        """The bot library, at the pace that Telegram allows."""
        return self._adapter

    @property
    def is_open(self) -> bool:
        """Whether the ledger is open and work is being taken up."""
        return self._signing.is_ready

    @property
    def loops(self) -> list[LoopHealth]:
        """How the loops are that take up work."""
        return [*self._worker.health, self.presence.health, *self.periodic.health]

    @property
    def was_left_behind(self) -> bool:
        """Whether the event loop that the pipeline belongs to has ended without closing it."""
        return self.loop is not None and (self.loop.is_closed() or not self.loop.is_running())

    def settle(self, here: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop | None:
        """Belong to the running loop, unless the pipeline belongs to one; that one when it is another, else None."""
        if self.loop is None:
            self.loop = here
        return None if self.loop is here else self.loop

    def abandon(self) -> list[Job]:
        """Give back what a dead event loop left open; the jobs that were interrupted, which are leased to this process."""
        self._listeners.forget()
        self._ledger.close_sync()
        return [*self.fulfilment.held, *self.fulfilment.interrupted]

    def give_back(self, interrupted: list[Job]) -> None:
        """Have jobs that ``abandon`` named released when the pipeline opens."""
        self._given_back = interrupted

    @property
    def ledger(self) -> Ledger:
        """The database; open between ``open`` and ``close``."""
        return self._ledger

    def add_gate(self, gate: Gate) -> None:
        """Ask ``gate`` before an invoice is made and before a checkout is approved."""
        self._invoice_book.gates.append(gate)
        self.checkout.add_gate(gate)

    async def open(self) -> None:
        """Open the ledger, load the signing keys and take up work; does nothing when that has happened.

        Raises:
            HandlerError: a handler asks for something that nobody can give it.
            LedgerError: the database cannot be used.
        """
        async with self._opening:
            if self.is_open:
                return
            for registry in (self._handlers, self._revokers, self._reviewers):
                registry.check(self._adapter.host_data())
            await self._ledger.open()
            await self._signing.load()
            self.settle(asyncio.get_running_loop())
            if not self._settings.takes_up_work:
                return
            await self.presence.open()
            if self._given_back:
                await self._jobs.release(self._given_back)
                self._given_back = []
            self._worker.start()
            self.periodic.start()
            stranded = await self.history.stranded()
            if stranded:
                names = sorted({job.consumer for job in stranded})
                logger.warning("%d jobs wait for handlers that no program of this shop has: %s", len(stranded), names)

    async def close(self) -> None:
        """Finish or give back what runs, then close the ledger.

        Nothing begins from here on. Handlers and listeners have ``grace_s`` seconds each, and about a second after they were
        cancelled; what does not end by then is left behind, with its lease.
        """
        grace_s = self._settings.grace_s
        self.fulfilment.stop_taking()
        await asyncio.gather(
            self.periodic.stop(),
            self.presence.close(),
            self._worker.stop(grace_s=grace_s),
            self.outbox.close(grace_s=grace_s),
            self.invoices.close(),
        )
        await within(grace_s, self._intake.finish(), "recording what has arrived")
        await within(_GIVE_BACK_S, self.fulfilment.give_back(), "giving back jobs that have not begun")
        await within(_GIVE_BACK_S, self.checkout.drain(), "giving back what late approvals hold")
        await within(grace_s + _GIVE_BACK_S, self._listeners.stop(grace_s=grace_s), "what listens to events")
        for threads in (self._handler_threads, self._hook_threads):
            threads.close()
        await within(_CLOSE_S, self._ledger.close(), "closing the ledger")

    async def pre_checkout(self, query: PreCheckout) -> None:
        """Decide and answer a checkout, opening the ledger inside the same budget if need be."""
        await self.checkout.handle(query, self.open)

    async def charged(self, charge: Charge) -> Payment | None:
        """Record a charge and start its handlers; the payment, or None when the ledger had it already.

        Raises:
            LedgerError: the charge could not be recorded within ``patience_s``; Telegram's list of transactions has it.
        """
        if not self._signing.is_ready:
            await self.open()
        if self.presence.is_behind:
            await self.presence.catch_up()
        charge = fit_charge(charge)
        ref = await self._signing.read(charge.payload)
        take = self.fulfilment.reserve()
        try:
            recorded = await self._intake.record(Arrival(charge=charge, ref=ref, event_id=new_event_id(), take=take))
        finally:
            if take:
                self.fulfilment.unreserve()
            else:
                self.fulfilment.changed.set()
        if recorded is None:
            return None
        for job in recorded.jobs:
            self.fulfilment.start(job)
        if self._listeners:
            for event in (recorded_event(recorded), *recorded.events):
                self._listeners.announce(event)
        if recorded.payment.attention is not None:
            logger.error("payment %s needs attention: %s", charge.charge_id, recorded.payment.attention.value)
        elif (
            recorded.payment.state is PaymentState.ACCEPTED
            and not recorded.jobs
            and not self._plan.delivers(recorded.payment.stage_id)
        ):
            words = "no program of this shop takes payments of stage %r; charge %s waits ten minutes for one that does"
            logger.warning(words, recorded.payment.stage_id, charge.charge_id)
        return recorded.payment

    async def refunded(self, notice: RefundNotice) -> None:
        """Record a refund that Telegram tells of; one of an invoice of the host's own by an update is the host's business."""
        if notice.source is Source.UPDATE and not is_ours(notice.payload):
            return
        await self.open()
        notice = fit_notice(notice)
        ref = await self._signing.read(notice.payload)
        await self.refunds.note(notice, None if ref is None else ref.invoice_id)

    async def subscription_changed(self, change: SubscriptionChange) -> None:
        """Record what Telegram tells of a subscription; one with a payload that does not verify is nobody's."""
        await self.open()
        change = fit_change(change)
        ref = await self._signing.read(change.payload)
        if ref is None:
            logger.warning("Telegram tells of a subscription of user %d that was not made here", change.user_id)
            return
        await self.subscriptions.note(change, ref)

    async def prove(self, head: str | None) -> Proof:
        """What a look at all the books shows."""
        return await self._ledger.read(prove, self._bot_id, head)

    async def reconcile(self, *, grace_s: float | None, afresh: bool, patience_s: float) -> ReconcileReport:
        """Compare the ledger with Telegram now; see ``NeonPayCore.reconcile``."""
        await self.open()
        every_s = self._settings.reconcile.every_s
        next_in_s = RECONCILE_EVERY_S if every_s is None else every_s
        async with self._periodic_store.turn(RECONCILE, patience_s=patience_s, next_in_s=next_in_s) as turn:
            return await self._reconciler.walk(turn, grace_s=grace_s, afresh=afresh)

    async def drain(self) -> None:
        """Wait until no handler and no listener runs."""
        await self.fulfilment.drain()
        await self.checkout.drain()
        await self._listeners.drain()

    async def rotate_key(self) -> None:
        """Sign with a new key from now on; invoices that were made with the older ones go on verifying."""
        await self.open()
        await self._signing.rotate()
