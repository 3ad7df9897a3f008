"""What is on sale, and offering it to somebody."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from neonpay.app.base import Application
from neonpay.core.checkout import Decline
from neonpay.core.jsontext import JsonObject
from neonpay.core.payments import Invoice
from neonpay.core.stages import PaymentStage, frozen_json
from neonpay.errors import SaleRefused, ValidationError
from neonpay.payments.gates import Refusal
from neonpay.payments.invoice_book import Offer
from neonpay.payments.middleware import stage_through


class Selling(Application):
    """Stages and invoices."""

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
        """Take a stage off sale and return it; its unpaid invoices are declined at checkout, in all programs of the shop.

        Other programs know of it a moment later. A program that creates the stage again puts it on sale again.

        Raises:
            StageNotFoundError: no stage has this id.
        """
        return self._stages.remove(stage_id)

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

        It waits for no turn. Telegram takes a burst and then about one message a second in a chat and twenty a minute in a
        group; an invoice whose turn is later is *queued*: ``is_queued`` is true, ``message_id`` is None, and it is sent by
        itself within a minute or becomes the event ``invoice_failed``. When two of this user's messages wait in that chat,
        or ten of anybody's, the offer is refused at once as ``too_often``.

        Args:
            user_id: who may pay; others are declined at checkout unless ``anyone_may_pay``.
            chat_id: where the invoice appears; the user's private chat when left out.
            payload: your own JSON data for this invoice; it comes back in ``result.metadata`` over the stage's own.
            idempotency_key: a second call with the same key, here or in another worker, returns the invoice of the first
                and sends nothing while that is being sent, waits for its turn, or has been sent.
            options: more parameters of Telegram's ``sendInvoice``, such as ``protect_content`` or ``reply_markup``.

        Raises:
            StageNotFoundError: no stage has this id; nothing was sent.
            SaleRefused: the user is blocked or over a limit, or too many messages wait for the chat; ``reason`` says which;
                nothing was sent. A PaymentError.
            TelegramError: Telegram refused, with its reason as data; nothing was sent. A PaymentError.
            TelegramUnreachableError: no answer; the invoice may have been sent. A PaymentError.
            LedgerError: the ledger cannot be written to; nothing was sent.
        """
        asker_id = _id("user_id", user_id)
        payer_id = None if anyone_may_pay else asker_id
        offer = await self._passed(self._offer(stage_id, asker_id, payer_id, payload, idempotency_key))
        await self.setup()
        where = asker_id if chat_id is None else _id("chat_id", chat_id)
        return await self._pipeline.invoices.send(offer, asker_id=asker_id, chat_id=where, options=options or {})

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

        When Telegram says that there were too many calls, that is raised at once and not waited out.

        Args:
            user_id: the only user who may pay; anyone when left out.
            options: more parameters of Telegram's ``createInvoiceLink``.

        Raises:
            StageNotFoundError, SaleRefused, TelegramError, TelegramUnreachableError, LedgerError: as for ``send_payment``.
        """
        payer_id = None if user_id is None else _id("user_id", user_id)
        offer = await self._passed(self._offer(stage_id, payer_id, payer_id, payload, idempotency_key))
        await self.setup()
        return await self._pipeline.invoices.link(offer, options=options or {})

    def _offer(
        self,
        stage_id: str,
        asker_id: int | None,
        payer_id: int | None,
        payload: JsonObject | None,
        idempotency_key: str | None,
    ) -> Offer:
        return Offer(
            stage_id=stage_id,
            stage=self._stages.get(stage_id),
            asker_id=asker_id,
            payer_id=payer_id,
            metadata=frozen_json("payload", payload or {}),
            idempotency_key=idempotency_key,
        )

    async def _passed(self, offer: Offer) -> Offer:
        """The offer after the middlewares had their say."""
        if not self._middlewares:
            return offer
        context = {"stage_id": offer.stage_id, "user_id": offer.asker_id}
        stage = await stage_through(self._middlewares, offer.stage, context)
        if stage is not None:
            return replace(offer, stage=stage)
        refusal = Refusal(reason=Decline.REFUSED)
        raise SaleRefused(
            str(refusal.reason),
            user_id=offer.asker_id,
            stage_id=offer.stage_id,
            retry_after_s=None,
            say=partial(refusal.said, self._settings.texts),
        )


def _id(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value == 0:
        raise ValidationError(field, value, "Telegram's whole-number id")
    return value
