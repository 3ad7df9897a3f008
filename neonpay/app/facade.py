"""What a program asks of its shop, whether it awaits the answer or waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from neonpay.app.house import House
from neonpay.app.program import Program
from neonpay.core.charge_ids import charge_key
from neonpay.core.checkout import Decline
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.namespaces import M, Namespace, verb
from neonpay.core.payers import payer, whole_id
from neonpay.core.payments import Invoice, Refund
from neonpay.core.stages import frozen_json
from neonpay.errors import SaleRefused
from neonpay.payments.gates import Refusal
from neonpay.payments.handlers.middleware import stage_through
from neonpay.payments.invoices.store import Offer
from neonpay.payments.namespaces.books import Books
from neonpay.payments.namespaces.handlers import Handlers
from neonpay.payments.namespaces.invoices import Invoices
from neonpay.payments.namespaces.jobs import Jobs
from neonpay.payments.namespaces.payments import Payments
from neonpay.payments.namespaces.people import People
from neonpay.payments.namespaces.refunds import Refunds
from neonpay.payments.namespaces.served import Opened
from neonpay.payments.namespaces.subscriptions import Subscriptions
from neonpay.security.manager import SecurityManager
from neonpay.telegram.pacing import PATIENCE_S, may_wait
from neonpay.tracking.namespace import Tracked
from neonpay.tracking.telling import track

if TYPE_CHECKING:
    from neonpay.analytics.namespace import Reports

N = TypeVar("N")


class Facade(Namespace[M]):
    """The verbs that everybody needs, and a namespace for each of the rest."""

    def __init__(self, mode: M, house: House) -> None:
        super().__init__(mode)
        self._house = house

    @verb
    async def setup(self) -> None:
        """Open the ledger, creating or upgrading its tables, and take up unfinished work; safe to call again.

        Raises:
            LedgerError: the database cannot be used; the subclass says why.
            HandlerError: a payment handler asks for an argument that nobody can give it.
            ConfigurationError: gevent has replaced the threads of this process.
        """
        await self._house.opened()

    @verb
    async def send_payment(
        self,
        user_id: int,
        stage_id: str,
        *,
        chat_id: int | None = None,
        message_thread_id: int | None = None,
        payload: JsonObject | None = None,
        idempotency_key: str | None = None,
        anyone_may_pay: bool = False,
        price_stars: int | None = None,
        title: str | None = None,
        description: str | None = None,
        options: JsonObject | None = None,
    ) -> Invoice:
        """Send a user an invoice for a stage.

        It waits for no turn. Telegram takes a burst and then about one message a second in a chat and twenty a minute in a
        group; an invoice whose turn is later is *queued*: ``is_queued`` is true, ``message_id`` is None, and it is sent by
        itself within a minute or becomes the event ``invoice_failed``. When two of this user's messages wait in that chat,
        or ten of anybody's, the offer is refused at once as ``too_often``.

        Args:
            user_id: who may pay; others are declined at checkout unless ``anyone_may_pay``.
            chat_id: where the invoice appears; the user's private chat when left out.
            message_thread_id: the topic of that chat; kept with the invoice. What neonpay says to the buyer in that chat
                afterwards goes to that topic, too.
            payload: your own JSON data for this invoice; it comes back in ``result.metadata`` over the stage's own.
            idempotency_key: a second call with the same key, here or in another worker, returns the invoice of the first
                and sends nothing while that is being sent, waits for its turn, or has been sent.
            price_stars: another price than the stage's, within its ``price_range``: an order, a donation. It is signed, and
                compared at checkout and when it is paid, like any.
            title, description: other words on this invoice than the stage's. The title is kept, and the sale is called so
                wherever it is named; under a key whose invoice has such a title already, that stays.
            options: more parameters of Telegram's ``sendInvoice``, such as ``protect_content`` or ``reply_markup``.

        Raises:
            StageNotFoundError: no stage has this id; nothing was sent. A PaymentError.
            ValidationError: the stage does not allow the price, or the words break Telegram's bounds; nothing was sent.
            ValidationError: ``user_id`` is no person's: a group's, a channel's, that of anonymous admins; nothing was sent.
            SaleRefused: the user is blocked or over a limit, or too many messages wait for the chat; ``reason`` says which;
                nothing was sent. A PaymentError.
            TelegramError: Telegram refused, with its reason as data; nothing was sent. A PaymentError.
            TelegramUnreachableError: no answer; the invoice may have been sent. A PaymentError.
            LedgerError: the ledger cannot be written to; nothing was sent.
        """
        asker_id = payer("user_id", user_id, bot_id=self._house.adapter.bot_id)
        payer_id = None if anyone_may_pay else asker_id
        offer = self._offer(stage_id, asker_id, payer_id, payload, idempotency_key)
        offer = _as_asked(await self._passed(offer), price_stars, title, description)
        pipeline = await self._house.opened()
        where = asker_id if chat_id is None else whole_id("chat_id", chat_id)
        options = options or {}
        if message_thread_id is not None:
            thread_id = whole_id("message_thread_id", message_thread_id)
            offer, options = replace(offer, message_thread_id=thread_id), {**options, "message_thread_id": thread_id}
        return await pipeline.invoices.send(offer, asker_id=asker_id, chat_id=where, options=options)

    @verb
    async def create_payment_link(
        self,
        stage_id: str,
        *,
        user_id: int | None = None,
        payload: JsonObject | None = None,
        idempotency_key: str | None = None,
        price_stars: int | None = None,
        title: str | None = None,
        description: str | None = None,
        options: JsonObject | None = None,
    ) -> Invoice:
        """Make an invoice link for a stage; it is on the returned invoice as ``link``.

        When Telegram says that there were too many calls, that is raised at once and not waited out.

        Args:
            user_id: the only user who may pay; anyone when left out.
            price_stars, title, description: as for ``send_payment``.
            options: more parameters of Telegram's ``createInvoiceLink``.

        Raises:
            StageNotFoundError, ValidationError, SaleRefused, TelegramError, TelegramUnreachableError, LedgerError: as for
                ``send_payment``.
        """
        payer_id = None if user_id is None else payer("user_id", user_id, bot_id=self._house.adapter.bot_id)
        offer = self._offer(stage_id, payer_id, payer_id, payload, idempotency_key)
        offer = _as_asked(await self._passed(offer), price_stars, title, description)
        pipeline = await self._house.opened()
        return await pipeline.invoices.link(offer, options=options or {})

    @verb
    async def refund(self, charge_id: str, *, reason: str | None = None, requested_by: str | None = None) -> Refund:
        """Give the Stars of a payment back, whole. A repeated call changes nothing, and one after a refusal asks again.

        The returned refund is ``refunded`` when the Stars are back. It is ``intended`` while Telegram cannot do it now, or
        another worker is at it, and ``unknown`` when Telegram's answer was lost; then it is durable all the same, and a
        worker carries on until Telegram says yes or no (``payment_refunded`` or ``refund_failed``).

        Args:
            reason: why, in words for the owner.
            requested_by: who wants it, in words for the owner.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            RefundError: Telegram refuses for good; the Stars stay with the bot.
        """
        pipeline = await self._house.opened()
        return await pipeline.refunds.refund(charge_key(charge_id), reason=reason, requested_by=requested_by)

    @verb
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
        return await self._house.pipeline.adapter.call(method, params or {}, patience_s=patience_s)

    def track_event(
        self,
        event_type: str,
        user_id: int | None = None,
        amount: int | None = None,
        stage_id: str | None = None,
        metadata: JsonObject | None = None,
        *,
        source: str | None = None,
        event_id: str | None = None,
    ) -> bool:
        """Count something that somebody did beside buying; from any thread, and without waiting for anything.

        It is written with others about a second later, and with the end of the program. No payment waits for it, and no figure
        about money goes by it: what the ledger knows itself (``payment_completed`` and the others of
        ``neonpay.tracking.kinds.LedgerKind``) is counted from the ledger, once, and not kept a second time.

        Args:
            event_type: what happened; a name of ``neonpay.tracking.SoftKind`` or one of your own, 64 characters at most.
            amount: Stars, where it is about some.
            stage_id: the stage, or whatever else it is about.
            metadata: more of it, as JSON, 4096 characters at most.
            source: where the person came from. That of the first ``user_started`` stays with them.
            event_id: the same for one event however often it is told, which is then kept once.

        Returns:
            Whether it is on its way to the ledger: False for what the ledger knows, and when more come than it takes, which
            ``get_stats()`` counts as ``soft_events_shed``.

        Raises:
            ValidationError: an argument is of another kind than it has to be. A stage or a source that is too long is cut.
        """
        return track(
            self._house.soft,
            self._house.adapter.bot_id,
            self._house.clock,
            kind=event_type,
            user_id=user_id,
            stars=amount,
            subject=stage_id,
            source=source,
            data=metadata,
            event_id=event_id,
        )

    @cached_property
    def payments(self) -> Payments[M]:
        """Payments by id and by what they have in common, and those that wait for a decision."""
        return self._served(Payments)

    @cached_property
    def invoices(self) -> Invoices[M]:
        """What was offered, and whether it was paid."""
        return self._served(Invoices)

    @cached_property
    def refunds(self) -> Refunds[M]:
        """Refunds that were asked for, and requests for refunds."""
        return Refunds(self._mode, self._house.opened, self._house.reviewers)

    @cached_property
    def jobs(self) -> Jobs[M]:
        """How far each handler has come, and what waits for a person."""
        return self._served(Jobs)

    @cached_property
    def handlers(self) -> Handlers[M]:
        """Who delivers in the shop, over all of its programs."""
        return self._served(Handlers)

    @cached_property
    def subscriptions(self) -> Subscriptions[M]:
        """Who has one, ending what renews itself, and allowing it again."""
        return self._served(Subscriptions)

    @cached_property
    def people(self) -> People[M]:
        """What is kept about one person: given out, or removed."""
        return People(self._mode, self._house.opened, self._house.extensions)

    @cached_property
    def tracking(self) -> Tracked[M]:
        """What was counted of what people do beside buying."""
        return self._served(Tracked)

    @cached_property
    def books(self) -> Books[M]:
        """The journal, its seals, what they prove, and the comparison with Telegram."""
        return self._served(Books)

    @cached_property
    def security(self) -> SecurityManager[M]:
        """Limits, standings, and what is known about users."""
        house = self._house
        return SecurityManager(
            self._mode,
            house.adapter.bot_id,
            house.opened_ledger,
            house.security.gate,
            announce=house.listeners.announce,
        )

    @cached_property
    def reports(self) -> Reports[M]:
        """How the shop does: revenue, orders, subscriptions, customers, the books beside Telegram."""
        from neonpay.analytics.namespace import Reports  # loaded when somebody asks for figures, and never to sell

        house = self._house
        bots = (house.adapter.bot_id,)
        return Reports(self._mode, house.opened_ledger, clock=house.clock, bots=bots, new_token=house.new_token)

    @cached_property
    def program(self) -> Program[M]:
        """This program of the shop: how it is, and what it is made of; for those who run, watch and test it."""
        return Program(self._mode, self._house)

    def _served(self, kind: Callable[[M, Opened], N], /) -> N:
        return kind(self._mode, self._house.opened)

    def _offer(
        self,
        stage_id: str,
        asker_id: int | None,
        payer_id: int | None,
        payload: JsonObject | None,
        idempotency_key: str | None,
    ) -> Offer:
        stage = self._house.stages.get(stage_id)
        return Offer(
            stage_id=stage_id,
            stage=stage,
            price_stars=stage.price,
            words={},
            asker_id=asker_id,
            payer_id=payer_id,
            metadata=frozen_json("payload", payload or {}),
            idempotency_key=idempotency_key,
        )

    async def _passed(self, offer: Offer) -> Offer:
        """The offer after the middlewares had their say."""
        middlewares = self._house.middlewares
        if not middlewares:
            return offer
        context = {"stage_id": offer.stage_id, "user_id": offer.asker_id}
        stage = await stage_through(middlewares, offer.stage, context)
        if stage is not None:
            return replace(offer, stage=stage, price_stars=stage.price)
        refusal = Refusal(reason=Decline.REFUSED)
        raise SaleRefused(
            refusal.reason,
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            retry_after_s=None,
            say=refusal.said,
        )


def _as_asked(offer: Offer, price_stars: int | None, title: str | None, description: str | None) -> Offer:
    words = {name: text for name, text in (("title", title), ("description", description)) if text is not None}
    stage = offer.stage
    # Telegram bounds them as it bounds the stage's own.
    replace(stage, title=words.get("title", stage.title), description=words.get("description", stage.description))
    is_asked = price_stars is not None
    return replace(offer, price_stars=stage.price_at(price_stars), is_price_asked=is_asked, words=words)
