"""The life of a payment, wired for one bot and one ledger."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextvars import Context

from neonpay.books.sealing import Sealer
from neonpay.books.verification import Proof, prove
from neonpay.core.clock import Clock, is_moved_by_hand, stopwatch_s
from neonpay.core.payments import PreCheckout
from neonpay.core.ports import Adapter
from neonpay.core.reports import ReconcileReport
from neonpay.core.roles import Role
from neonpay.ledger import Ledger
from neonpay.payments.announcing import Announcing
from neonpay.payments.assembly import Assembly, Registered
from neonpay.payments.beside import Beside
from neonpay.payments.consumers.declarations import Declarations
from neonpay.payments.consumers.fan_out import FanOut
from neonpay.payments.consumers.presence import Presence
from neonpay.payments.consumers.selection import PLAN, TELL, THANK_YOU
from neonpay.payments.decisions import Decisions
from neonpay.payments.delivery.extension_jobs import ExtensionJobs
from neonpay.payments.delivery.messages import Messages
from neonpay.payments.delivery.nudging import Nudger
from neonpay.payments.delivery.telling import Teller
from neonpay.payments.delivery.thanks import Thanks
from neonpay.payments.delivery.unclaimed import Unclaimed
from neonpay.payments.delivery.worker import Worker
from neonpay.payments.entrance import Entrance
from neonpay.payments.extensions_at_work import ExtensionsAtWork
from neonpay.payments.gates import Gate
from neonpay.payments.heard import Heard
from neonpay.payments.history import History
from neonpay.payments.host import ShopHost
from neonpay.payments.invoices.endings import Endings
from neonpay.payments.own_name import OwnName
from neonpay.payments.patience import within
from neonpay.payments.periodic_tasks import periodic_tasks
from neonpay.payments.settings import Settings
from neonpay.payments.signing import Signing
from neonpay.payments.steps import Around, surround
from neonpay.payments.subscription_ends import SubscriptionEnds
from neonpay.reconcile.reconciler import RECONCILE, RECONCILE_EVERY_S, Reconciler
from neonpay.store.ids import new_event_id
from neonpay.store.job_rows import Job
from neonpay.store.loops import LoopHealth
from neonpay.store.people import People
from neonpay.store.periodic import PeriodicRunner, PeriodicStore
from neonpay.telegram.outbox import Outbox
from neonpay.telegram.paced import PacedAdapter
from neonpay.telegram.pacing import Pacer

_GIVE_BACK_S = 2.0
_CLOSE_S = 8.0


class Pipeline:
    """Everything that happens to the money of one bot, from opening its ledger to closing it.

    Args:
        database: what the log calls the ledger; without user and password.
    """

    def __init__(
        self,
        adapter: Adapter,
        ledger: Ledger,
        registered: Registered,
        settings: Settings,
        *,
        database: str,
        clock: Clock,
        rng: random.Random,
        token_bytes: Callable[[int], bytes],
        context: Context,
    ) -> None:
        pacer = Pacer(messages_per_s=settings.messages_per_s, checkout_budget_s=settings.checkout_budget_s)
        self._adapter = PacedAdapter(adapter, pacer)
        self._bot_id = adapter.bot_id
        self._ledger = ledger
        self._registered = registered
        self._settings = settings
        self.clock = clock
        self._opening = asyncio.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop that the pipeline belongs to; None before its first use."""
        self._has_begun = False
        """Whether everything that ``open`` begins has begun."""
        self.answering = 0
        """How many checkouts wait for their answer now, for whoever has time to give way to them."""
        self.answered = 0
        """How many have had one."""
        self._given_back: list[Job] = []
        self._announcing = Announcing(registered.listeners)
        self._signing = Signing(ledger, self._bot_id, settings.secrets, clock=clock, token_bytes=token_bytes)
        self._parts = parts = Assembly(
            self._adapter,
            ledger,
            registered,
            settings,
            self._signing,
            clock=clock,
            rng=rng,
            announce=self._announcing.announce,
        )
        # In the order of a payment's life.
        self.outbox = Outbox(self._adapter)
        self.teller = Teller(self._adapter, ledger)
        self._invoice_store = parts.invoice_store()
        self.invoices = parts.invoices(self.outbox, self._invoice_store)
        self.checkout = parts.checkout()
        self._intake = parts.intake()
        self.fulfilment = parts.fulfilment(context, lambda: self._announcing.is_heard)
        self._worker = Worker(parts.jobs, self.fulfilment, poll_s=settings.poll_s)
        self.refunds = parts.refunds(self.fulfilment)
        self.requests = parts.requests(self.fulfilment, self.refunds)
        self._heard = Heard(self._adapter, registered, settings, parts.jobs, self.fulfilment, database=database)
        self._keep_in_order()
        self._take_on()

    def _keep_in_order(self) -> None:
        """What looks after payments once they are made, the books, and who delivers."""
        ledger, bot_id, parts, announce = self._ledger, self._bot_id, self._parts, self._announcing.announce
        wake = self.fulfilment.changed.set
        self.subscriptions = parts.subscriptions()
        self.people = People(ledger, bot_id, clock=self.clock, keeps_names=self._settings.keeps_names)
        self.beside = Beside(self.people)
        self.entrance = Entrance(
            self,
            self._signing,
            self._intake,
            self.fulfilment,
            parts.plan,
            self._announcing,
            refunds=self.refunds,
            subscriptions=self.subscriptions,
            people=self.people,
        )
        self.history = History(ledger, bot_id, catalogue=parts.catalogue)
        self.decisions = Decisions(
            ledger, bot_id, catalogue=parts.catalogue, plan=parts.plan, settling=parts.settling, announce=announce
        )
        self.periodic_store = PeriodicStore(ledger, bot_id, new_token=parts.new_token)
        self.periodic = PeriodicRunner(self.periodic_store)
        self.sealer = Sealer(ledger, bot_id)
        self._reconciler = Reconciler(
            ledger,
            self._adapter.call,
            bot_id=bot_id,
            clock=self.clock,
            rules=self._settings.reconcile,
            charged=self.entrance.charged,
            refunded=self.entrance.refunded,
            price_of=self._signing.price_of,
            number=self.sealer.seal,
            new_event_id=new_event_id,
            announce=announce,
        )
        self.subscription_ends = SubscriptionEnds(
            ledger, bot_id, announce=announce, is_moved_by_hand=is_moved_by_hand(self.clock)
        )
        self.endings = Endings(
            ledger,
            bot_id,
            guards=parts.guards,
            abandoned_after_s=self._settings.abandoned_after_s,
            announce=announce,
        )
        self.fan_out = FanOut(
            ledger, bot_id, number=self.sealer.seal, own=parts.program.declared, new_token=parts.new_token
        )
        self._unclaimed = Unclaimed(ledger, parts.refund_store, parts.plan, bot_id=bot_id, announce=announce, wake=wake)
        jobs = ExtensionJobs(
            ledger,
            ledger.apart,
            self.fulfilment,
            parts.refund_store,
            bot_id=bot_id,
            clock=self.clock,
            retries=parts.retries,
            new_event_id=new_event_id,
        )
        host = ShopHost(
            self._adapter,
            ledger,
            self.clock,
            announce,
            requests=self.requests,
            outbox=self.outbox,
            teller=self.teller,
            look_soon=self.periodic.look_soon,
            language_of=self.people.language_of,
        )
        self._extensions = ExtensionsAtWork(
            self._registered.extensions, ledger, host, jobs, self.fulfilment, self.periodic, self.fan_out.complete
        )
        is_tool = self._settings.is_tool
        self._announcing.prompter = Nudger(ledger, bot_id) if is_tool else self._extensions.prompter
        self.presence = Presence(
            ledger,
            Declarations(bot_id),
            parts.program,
            self._registered.stages,
            bot_id=bot_id,
            changed=wake,
            take_up=self._extensions.take_up,
        )

    def _take_on(self) -> None:
        """What this program does beside running handlers."""
        settings = self._settings
        for task in periodic_tasks(
            reconciler=self._reconciler,
            reconcile_every_s=settings.reconcile.every_s,
            sealer=self.sealer,
            fan_out=self.fan_out,
            endings=self.endings,
            subscription_ends=self.subscription_ends,
            own_name=OwnName(self._ledger, self._bot_id, self._adapter, self.clock),
        ):
            self.periodic.add(task)
        self.fulfilment.add_self_finishing(PLAN, self._unclaimed.look)
        if settings.runs_as is Role.DELIVERS:
            self.fulfilment.add_builtin(TELL, Messages(self._ledger, self.teller).send)
        if settings.thank_you_message is not None and settings.runs_as is Role.DELIVERS:
            self.fulfilment.add_builtin(THANK_YOU, Thanks(self.teller, settings.thank_you_message).send)

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

    def reside(self, here: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop | None:
        """Belong to the running loop, unless the pipeline belongs to one; that one when it is another, else None."""
        if self.loop is None:
            self.loop = here
        return None if self.loop is here else self.loop

    def abandon(self) -> list[Job]:
        """Give back what a dead event loop left open; the jobs that were interrupted, which are leased to this process."""
        self._registered.listeners.forget()
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
        self._invoice_store.gates.append(gate)
        self.checkout.add_gate(gate)

    def surround(self, around: Around) -> None:
        """Have ``around`` stand around each step of a payment; where nobody asks for it they are as they are."""
        surround(around, self.invoices, self.checkout, self._intake, self.refunds)

    async def open(self) -> None:
        """Open the ledger, load the signing keys and take up work; does nothing when that has happened.

        What arrives is recorded from the moment in which the keys are loaded, and so also when this raises afterwards.

        Raises:
            HandlerError: a handler asks for something that nobody can give it.
            LedgerError: the database cannot be used.
        """
        # First, so that the next loop sees that this one has ended even where it ends while the shop opens.
        self.reside(asyncio.get_running_loop())
        async with self._opening:
            if self._has_begun:
                return
            began_s = stopwatch_s()
            registered = self._registered
            for asking in (registered.handlers, registered.revokers, registered.reviewers, self.checkout.hooks):
                asking.check(self._adapter.host_data())
            await self._ledger.open()
            # Before anything can be recorded, so that what this program begins is not among it.
            begun = await self._heard.begun_before()
            await self._signing.load()
            if not self._settings.takes_up_work:
                self._has_begun = True
                self._heard.started(began_s)
                return
            await self.presence.open()
            if self._given_back:
                await self._parts.jobs.release(self._given_back)
                self._given_back = []
            self._worker.start()
            self.periodic.start()
            self.beside.start()
            self._has_begun = True
            self._heard.started(began_s)
            self._heard.waiting(begun, await self.history.stranded())

    async def close(self) -> None:
        """Finish or give back what runs, then close the ledger.

        Nothing begins from here on. Handlers and listeners have ``grace_s`` seconds each, and about a second after they were
        cancelled; what does not end by then is left behind, with its lease.
        """
        grace_s, began_s = self._settings.grace_s, stopwatch_s()
        self.fulfilment.stop_taking()
        await self._extensions.close(grace_s=grace_s)
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
        await within(grace_s + _GIVE_BACK_S, self._registered.listeners.stop(grace_s=grace_s), "what listens to events")
        for threads in (self._parts.handler_threads, self._parts.hook_threads):
            threads.close()
        if self._has_begun and self._settings.takes_up_work:
            await within(_GIVE_BACK_S, self.beside.stop(), "writing who was seen and what was counted")
        await within(_GIVE_BACK_S, self._announcing.close(), "having the programs that run look for whom to tell")
        await within(_CLOSE_S, self._ledger.close(), "closing the ledger")
        if self._has_begun:
            self._heard.stopped(began_s)

    async def pre_checkout(self, query: PreCheckout) -> None:
        """Decide and answer a checkout, opening the ledger inside the same budget if need be."""
        self.answering += 1
        try:
            await self.checkout.handle(query, self.open)
        finally:
            self.answering -= 1
            self.answered += 1
        self.people.saw(query.user_id, query.sender)

    @property
    def is_ready(self) -> bool:
        """Whether everything has begun, and what the program has registered is declared."""
        return self._has_begun and not self.presence.is_behind

    async def get_ready(self) -> None:
        """Open what is not open and declare what is not declared; raises what ``open`` raises."""
        await self.open()
        await self.presence.catch_up()

    async def prove(self, head: str | None) -> Proof:
        """What a look at all the books shows."""
        return await self._ledger.read(prove, self._bot_id, head)

    async def reconcile(self, *, grace_s: float | None, afresh: bool, patience_s: float) -> ReconcileReport:
        """Compare the ledger with Telegram now; see ``neonpay.books.reconcile``."""
        await self.open()
        every_s = self._settings.reconcile.every_s
        next_in_s = RECONCILE_EVERY_S if every_s is None else every_s
        async with self.periodic_store.turn(RECONCILE, patience_s=patience_s, next_in_s=next_in_s) as turn:
            return await self._reconciler.walk(turn, grace_s=grace_s, afresh=afresh)

    async def drain(self) -> None:
        """Wait until no handler and no listener runs."""
        await self.fulfilment.drain()
        await self.checkout.drain()
        await self._registered.listeners.drain()

    async def rotate_key(self) -> None:
        """Sign with a new key from now on; invoices that were made with the older ones go on verifying."""
        await self.open()
        await self._signing.rotate()
