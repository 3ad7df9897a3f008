"""Stars on their way back: the intent is written first, then Telegram is asked, then the outcome is written.

Telegram refunds a charge whole or not at all, and has no key that makes a repeated call safe; its answer
``CHARGE_ALREADY_REFUNDED`` is what makes one safe, so that answer counts as success.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import sqlalchemy as sa

from neonpay.core.clock import Clock
from neonpay.core.events import Event, PaymentRefunded, RefundFailed, RefundRequested
from neonpay.core.jsontext import JsonValue
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import Payment, PaymentState, Refund, RefundNotice, RefundState, Source
from neonpay.core.ports import Adapter
from neonpay.errors import PaymentNotFoundError, RefundError, TelegramError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.tables import jobs, payments, refunds
from neonpay.payments.book import REFUNDS, STARS, UNSETTLED, write_entry, write_event
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.planning import REFUND
from neonpay.payments.rows import find_payment, find_refund

logger = logging.getLogger("neonpay.payments")

_ALREADY = "CHARGE_ALREADY_REFUNDED"
_BAD_REQUEST = 400
_INSERT = Insert(
    refunds,
    "bot_id",
    "charge_id",
    "user_id",
    "amount_stars",
    "state",
    "reason",
    "source",
    "requested_at",
    "finished_at",
)


class RefundDesk:
    """Refunds the charges of one bot."""

    def __init__(
        self,
        ledger: Ledger,
        adapter: Adapter,
        *,
        catalogue: Catalogue,
        clock: Clock,
        new_event_id: Callable[[], str],
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._adapter = adapter
        self._catalogue = catalogue
        self._clock = clock
        self._new_event_id = new_event_id
        self._announce = announce
        self._bot_id = adapter.bot_id

    async def refund(self, charge_id: str, *, reason: str | None) -> Refund:
        """Give the Stars of a charge back; see ``NeonPayCore.refund``."""
        refund, event = await self._ledger.run(self._intend, charge_id, reason)
        self._tell(event)
        if refund.state is RefundState.REFUNDED:
            return refund
        params: dict[str, JsonValue] = {"user_id": refund.user_id, "telegram_payment_charge_id": charge_id}
        try:
            await self._adapter.call("refundStarPayment", params)
        except TelegramError as exc:
            if _ALREADY not in exc.description.upper():
                if exc.error_code != _BAD_REQUEST:
                    raise
                self._tell(await self._ledger.run(self._mark_failed, charge_id, exc.description))
                raise RefundError(charge_id, exc.description) from exc
        return await self._settle(charge_id, Source.CALL)

    async def note(self, notice: RefundNotice) -> None:
        """Telegram tells of a refund, ours or somebody else's; the ledger ends in the same state."""
        known = await self._ledger.run(self._note_intent, notice)
        if known:
            await self._settle(notice.charge_id, notice.source)
        else:
            logger.warning("Telegram refunded charge %s, which the ledger does not have", notice.charge_id)

    async def _settle(self, charge_id: str, source: Source) -> Refund:
        refund, event = await self._ledger.run(self._mark_refunded, charge_id, source)
        self._tell(event)
        return refund

    def _tell(self, event: Event | None) -> None:
        if event is not None:
            self._announce(event)

    def _intend(self, transaction: Transaction, charge_id: str, reason: str | None) -> tuple[Refund, Event | None]:
        payment = self._payment(transaction, charge_id)
        event = None
        if self._insert(transaction, payment, reason, Source.CALL) and payment.state is not PaymentState.REFUND_DUE:
            event = self._write(transaction, RefundRequested, payment, reason)
        refund = find_refund(transaction, self._bot_id, charge_id)
        assert refund is not None, "the refund was written a moment ago"
        if refund.state is RefundState.FAILED:
            self._update(transaction, charge_id, state=RefundState.INTENDED.value, reason=reason, error=None)
        return refund, event

    def _note_intent(self, transaction: Transaction, notice: RefundNotice) -> bool:
        payment = find_payment(transaction, self._catalogue, self._bot_id, notice.charge_id)
        if payment is None:
            return False
        self._insert(transaction, payment, None, notice.source)
        return True

    def _mark_refunded(self, transaction: Transaction, charge_id: str, source: Source) -> tuple[Refund, Event | None]:
        payment = self._payment(transaction, charge_id)
        event = None
        changed = self._update(
            transaction,
            charge_id,
            state=RefundState.REFUNDED.value,
            finished_at=self._clock.now_us(),
            source=source.value,
            error=None,
        )
        if changed:
            where = (payments.c.bot_id == self._bot_id, payments.c.charge_id == charge_id)
            transaction.connection.execute(sa.update(payments).where(*where).values(state=PaymentState.REFUNDED.value))
            self._drop_jobs(transaction, charge_id)
            event = self._write(transaction, PaymentRefunded, payment, None)
            if payment.currency == CURRENCY:
                other = REFUNDS if payment.state is PaymentState.ACCEPTED else UNSETTLED
                write_entry(
                    transaction,
                    {STARS: -payment.amount_stars, other: payment.amount_stars},
                    bot_id=self._bot_id,
                    event_id=event.event_id,
                    at_us=self._clock.now_us(),
                )
        refund = find_refund(transaction, self._bot_id, charge_id)
        assert refund is not None, "a refund is intended before it is made"
        return refund, event

    def _mark_failed(self, transaction: Transaction, charge_id: str, error: str) -> Event | None:
        changed = self._update(
            transaction, charge_id, state=RefundState.FAILED.value, finished_at=self._clock.now_us(), error=error
        )
        return self._write(transaction, RefundFailed, self._payment(transaction, charge_id), error) if changed else None

    def _insert(self, transaction: Transaction, payment: Payment, reason: str | None, source: Source) -> int:
        row = (
            self._bot_id,
            payment.charge_id,
            payment.user_id,
            payment.amount_stars,
            RefundState.INTENDED.value,
            reason,
            source.value,
            self._clock.now_us(),
            None,
        )
        return transaction.insert(_INSERT, row)

    def _update(self, transaction: Transaction, charge_id: str, **values: object) -> int:
        unsettled = (
            refunds.c.bot_id == self._bot_id,
            refunds.c.charge_id == charge_id,
            refunds.c.state != RefundState.REFUNDED.value,
        )
        return transaction.connection.execute(sa.update(refunds).where(*unsettled).values(**values)).rowcount

    def _drop_jobs(self, transaction: Transaction, charge_id: str) -> None:
        # What was not delivered yet must not be delivered after the Stars are back.
        paid = sa.select(payments.c.event_id).where(
            payments.c.bot_id == self._bot_id, payments.c.charge_id == charge_id
        )
        pending = (
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == paid.scalar_subquery(),
            jobs.c.consumer != REFUND,
            jobs.c.state.in_(("ready", "leased", "dead")),
        )
        transaction.connection.execute(sa.update(jobs).where(*pending).values(state="dropped", token=None))

    def _write(self, transaction: Transaction, kind: type[Event], payment: Payment, reason: str | None) -> Event:
        return write_event(
            transaction,
            kind,
            bot_id=self._bot_id,
            event_id=self._new_event_id(),
            at_us=self._clock.now_us(),
            user_id=payment.user_id,
            stage_id=payment.stage_id,
            invoice_id=payment.invoice_id,
            charge_id=payment.charge_id,
            amount_stars=payment.amount_stars,
            reason=reason,
        )

    def _payment(self, transaction: Transaction, charge_id: str) -> Payment:
        found = find_payment(transaction, self._catalogue, self._bot_id, charge_id)
        if found is None:
            raise PaymentNotFoundError(charge_id)
        return found
