"""The parts of a pipeline, made from what they share. What they do is in their own rooms."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, replace
from itertools import count

from neonpay.core.clock import Clock
from neonpay.core.stages import StageRegistry
from neonpay.ledger import Ledger
from neonpay.payments.checkout.guard import CheckoutGuard
from neonpay.payments.checkout.store import CheckoutStore
from neonpay.payments.consumers.selection import ConsumerSelection, Program
from neonpay.payments.delivery.fulfilment import Fulfilment
from neonpay.payments.extending.guarding import Guards
from neonpay.payments.extending.settling import Settling
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.handlers.registry import HandlerRegistry
from neonpay.payments.invoices.service import InvoiceService
from neonpay.payments.invoices.store import InvoiceStore
from neonpay.payments.jobs import JOBS_AGAIN, JobStore
from neonpay.payments.listeners import Announce, Listeners
from neonpay.payments.recording.intake import Intake
from neonpay.payments.recording.recorder import Recorder
from neonpay.payments.refunds.request_store import RequestStore
from neonpay.payments.refunds.requests import RequestService
from neonpay.payments.refunds.service import RefundService
from neonpay.payments.refunds.store import RefundStore
from neonpay.payments.settings import Settings
from neonpay.payments.signing import Signing
from neonpay.payments.subscriptions import SubscriptionService
from neonpay.payments.threads import MOST_HANDLERS, MOST_HOOKS, Threads
from neonpay.store.ids import new_event_id, new_invoice_id, new_request_id
from neonpay.store.stage_versions import Catalogue
from neonpay.telegram.outbox import Outbox
from neonpay.telegram.paced import PacedAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a program has registered; it stays, whatever opens and closes."""

    stages: StageRegistry
    handlers: HandlerRegistry
    revokers: HandlerRegistry
    reviewers: HandlerRegistry
    listeners: Listeners
    extensions: Extensions

    def program(self, settings: Settings) -> Program:
        """What this program can run."""
        return Program(
            self.handlers,
            self.revokers,
            self.reviewers,
            thanks=settings.thank_you_message is not None,
            role=settings.runs_as,
            extensions=self.extensions,
        )


class Assembly:
    """Makes the parts; each of them once.

    Args:
        adapter: the bot library, at Telegram's pace.
        announce: told of every event after it is durable.
    """

    def __init__(
        self,
        adapter: PacedAdapter,
        ledger: Ledger,
        registered: Registered,
        settings: Settings,
        signing: Signing,
        *,
        clock: Clock,
        rng: random.Random,
        announce: Announce,
    ) -> None:
        self._bot_id = adapter.bot_id
        self._adapter = adapter
        self._ledger = ledger
        # Units that run handlers may block: on PostgreSQL they run where the host's event loop does not wait for them.
        self._apart = ledger.apart
        self._registered = registered
        self._settings = settings
        self._signing = signing
        self._clock = clock
        self._rng = rng
        # Counted from where chance has it: to draw each would ask the system twice for every payment. A forked child, which
        # would count from where its parent was, writes nothing through these parts.
        self._tokens = count(rng.getrandbits(62))
        self.retries = replace(JOBS_AGAIN, chance=rng.random)
        self._announce = announce
        self.catalogue = Catalogue(self._bot_id)
        self.handler_threads = Threads(name="neonpay-handler", most=MOST_HANDLERS)
        self.hook_threads = Threads(name="neonpay-hook", most=MOST_HOOKS)
        self.program = registered.program(settings)
        self.plan = ConsumerSelection(self._bot_id, self.program)
        self.settling = Settling(self._bot_id, registered.extensions, self.plan)
        self.guards = Guards(registered.extensions, self.plan)
        self.jobs = JobStore(ledger, self._bot_id, clock=clock, new_token=self.new_token, lease_s=settings.lease_s)
        self.refund_store = self._refund_store()

    def new_token(self) -> int:
        """A token that no other lease has, of this process or another one."""
        return next(self._tokens)

    def _refund_store(self) -> RefundStore:
        return RefundStore(
            self._bot_id,
            catalogue=self.catalogue,
            plan=self.plan,
            settling=self.settling,
            clock=self._clock,
            new_event_id=new_event_id,
            new_token=self.new_token,
            lease_us=self.jobs.lease_us,
            host_data=self._adapter.host_data,
        )

    def invoices(self, outbox: Outbox, store: InvoiceStore) -> InvoiceService:
        """What sends invoices and makes links."""
        return InvoiceService(
            self._ledger,
            self._adapter,
            outbox,
            store,
            codec=self._signing.codec,
            clock=self._clock,
            new_event_id=new_event_id,
            new_invoice_id=new_invoice_id,
            new_token=self.new_token,
            announce=self._announce,
        )

    def invoice_store(self) -> InvoiceStore:
        """The rows of invoices."""
        return InvoiceStore(self._bot_id, catalogue=self.catalogue, guards=self.guards, clock=self._clock)

    def checkout(self) -> CheckoutGuard:
        """What answers checkouts."""
        store = CheckoutStore(
            self._bot_id,
            stages=self._registered.stages,
            catalogue=self.catalogue,
            guards=self.guards,
            clock=self._clock,
        )
        return CheckoutGuard(
            self._ledger,
            self._adapter,
            book=store,
            verify=self._signing.verify,
            new_event_id=new_event_id,
            announce=self._announce,
            host_data=self._adapter.host_data,
            threads=self.hook_threads,
            budget_s=self._settings.checkout_budget_s,
        )

    def intake(self) -> Intake:
        """What records charges."""
        recorder = Recorder(
            self._bot_id,
            catalogue=self.catalogue,
            plan=self.plan,
            new_event_id=new_event_id,
            new_token=self.new_token,
            lease_us=self.jobs.lease_us,
            host_data=self._adapter.host_data,
            refund_store=self.refund_store,
            settling=self.settling,
        )
        patience_s = self._settings.patience_s
        return Intake(self._ledger, self._apart, recorder, self.program, patience_s=patience_s)

    def fulfilment(self, context: Context, is_heard: Callable[[], bool]) -> Fulfilment:
        """What runs jobs, each in a copy of ``context``."""
        return Fulfilment(
            self._ledger,
            self._apart,
            self.jobs,
            self.program,
            self.refund_store,
            self.catalogue,
            bot_id=self._bot_id,
            clock=self._clock,
            retries=self.retries,
            new_event_id=new_event_id,
            host_data=self._adapter.host_data,
            announce=self._announce,
            is_heard=is_heard,
            threads=self.handler_threads,
            context=context,
            most_running=0 if self._settings.is_tool else self._settings.most_running,
        )

    def refunds(self, fulfilment: Fulfilment) -> RefundService:
        """What gives Stars back."""
        return RefundService(
            self._ledger, self._apart, self._adapter, self.refund_store, fulfilment, retries=self.retries
        )

    def subscriptions(self) -> SubscriptionService:
        """What ends subscriptions and hears of them."""
        return SubscriptionService(
            self._ledger,
            self._adapter,
            catalogue=self.catalogue,
            clock=self._clock,
            new_event_id=new_event_id,
            announce=self._announce,
        )

    def requests(self, fulfilment: Fulfilment, refunds: RefundService) -> RequestService:
        """What decides on requests for refunds."""
        store = RequestStore(
            self._bot_id,
            self.refund_store,
            catalogue=self.catalogue,
            clock=self._clock,
            new_event_id=new_event_id,
            new_request_id=new_request_id,
            new_token=self.new_token,
            lease_us=self.jobs.lease_us,
        )
        return RequestService(
            self._ledger,
            store,
            self._registered.reviewers,
            fulfilment,
            refunds,
            plan=self.plan,
            host_data=self._adapter.host_data,
            threads=self.handler_threads,
        )
