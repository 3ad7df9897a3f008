"""Subscriptions beside their payments: cancelled, restored, not renewed.

Every period of a subscription is a payment of its own with its own charge. Telegram names a subscription by the charge of its
first one when it is to be changed, and by its buyer and the payload of its invoice when it tells of a change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event, SubscriptionCanceled, SubscriptionFailed, SubscriptionRestored
from neonpay.core.payload import InvoiceRef
from neonpay.core.payments import Payment, PaymentState
from neonpay.core.subscriptions import ActiveSubscription, SubscriptionChange, SubscriptionState
from neonpay.errors import PaymentError, PaymentNotFoundError, TelegramError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow, unindexed
from neonpay.ledger.tables import payments, subscriptions
from neonpay.store.entries import publish
from neonpay.store.once import Once
from neonpay.store.payment_rows import find_payment, payment_of, select_payments
from neonpay.store.stage_versions import Catalogue
from neonpay.telegram.paced import PacedAdapter

logger = logging.getLogger("neonpay.payments")

_INSERT = Insert(subscriptions, "bot_id", "user_id", "invoice_id", "state", "changed_at")
_EVENTS: dict[SubscriptionState, type[Event]] = {
    SubscriptionState.ACTIVE: SubscriptionRestored,
    SubscriptionState.CANCELED: SubscriptionCanceled,
    SubscriptionState.FAILED: SubscriptionFailed,
}
_NOT_MODIFIED = "SUBSCRIPTION_NOT_MODIFIED"
BY_PROGRAM = "by the program"
"""Why a subscription was cancelled when it was not its buyer who did it."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A subscription and what has become of it."""

    user_id: int
    invoice_id: str
    stage_id: str | None
    state: SubscriptionState
    reason: str | None = None


class SubscriptionService:
    """Ends the subscriptions of one bot, and notes what Telegram tells of them."""

    def __init__(
        self,
        ledger: Ledger,
        adapter: PacedAdapter,
        *,
        catalogue: Catalogue,
        clock: Clock,
        new_event_id: Callable[[], str],
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._adapter = adapter
        self._bot_id = adapter.bot_id
        self._catalogue = catalogue
        self._clock = clock
        self._new_event_id = new_event_id
        self._announce = announce

    async def note(self, change: SubscriptionChange, ref: InvoiceRef) -> Event | None:
        """Write what Telegram tells; the event, or None when it was no news."""
        try:
            state = SubscriptionState(change.state)
        except ValueError:
            logger.warning("Telegram says %r of a subscription, which this version does not know", change.state)
            return None
        return await self._note(_Change(change.user_id, ref.invoice_id, ref.stage_id, state))

    async def active(self, user_id: int, stage_id: str | None) -> ActiveSubscription | None:
        """The subscription of a user whose period ends last, by the database's clock."""
        return await self._ledger.read(find_active, self._catalogue, self._bot_id, user_id, stage_id)

    async def edit(self, charge_id: str, *, is_canceled: bool) -> Payment:
        """Have Telegram end the subscription of a charge, or allow its buyer to take it up again; its first payment.

        Raises:
            PaymentNotFoundError, PaymentError, TelegramError, TelegramUnreachableError: as ``neonpay.subscriptions.cancel``.
        """
        first = await self._ledger.read(self._first_of, charge_id)
        try:
            await self._adapter.call(
                "editUserStarSubscription",
                {
                    "user_id": first.user_id,
                    "telegram_payment_charge_id": first.telegram_charge_id,
                    "is_canceled": is_canceled,
                },
                patience_s=0,
            )
        except TelegramError as exc:
            if _NOT_MODIFIED not in exc.description.upper():
                raise
        if is_canceled:
            assert first.invoice_id is not None, "a first payment without an invoice is not found"
            ended = _Change(first.user_id, first.invoice_id, first.stage_id, SubscriptionState.CANCELED, BY_PROGRAM)
            await self._note(ended)
        return first

    async def _note(self, change: _Change) -> Event | None:
        unit = Once(self._bot_id, self._write)
        event = await self._ledger.run(unit, change, self._new_event_id(), self._clock.now_us())
        if event is not None:
            self._announce(event)
        return event

    def _write(self, transaction: Transaction, change: _Change, event_id: str, now_us: int) -> Event | None:
        this = (
            subscriptions.c.bot_id == self._bot_id,
            subscriptions.c.user_id == change.user_id,
            subscriptions.c.invoice_id == change.invoice_id,
        )
        known = transaction.connection.execute(sa.select(subscriptions).where(*this).with_for_update()).first()
        if known is None:
            row = (self._bot_id, change.user_id, change.invoice_id, change.state.value, now_us)
            if not transaction.insert(_INSERT, row):
                return None  # another worker has just noted the same
        elif known.state == change.state.value and not self._paid_since(transaction, change, known.changed_at):
            return None
        else:
            values = {"state": change.state.value, "changed_at": now_us}
            transaction.connection.execute(sa.update(subscriptions).where(*this).values(**values))
        event = _EVENTS[change.state](
            bot_id=self._bot_id,
            event_id=event_id,
            at=moment(now_us),
            user_id=change.user_id,
            stage_id=change.stage_id,
            invoice_id=change.invoice_id,
            charge_id=self._first_charge_id(transaction, change.user_id, change.invoice_id),
            reason=change.reason,
        )
        publish(transaction, event)
        return event

    def _paid_since(self, transaction: Transaction, change: _Change, moment: object) -> bool:
        """Whether a period was paid since then, so that the same word is told of another period."""
        where = (*self._periods(change.user_id, change.invoice_id), payments.c.recorded_at > moment)
        return bool(transaction.connection.execute(sa.select(sa.exists().where(*where))).scalar_one())

    def _first_of(self, transaction: Transaction, charge_id: str) -> Payment:
        payment = find_payment(transaction, self._catalogue, self._bot_id, charge_id)
        if payment is None:
            raise PaymentNotFoundError(charge_id)
        if not payment.is_recurring or payment.invoice_id is None:
            msg = f"charge {charge_id!r} is no payment of a subscription"
            raise PaymentError(msg, charge_id=charge_id)
        until = payments.c.paid_at <= payment.paid_at
        first = self._first_charge_id(transaction, payment.user_id, payment.invoice_id, until)
        found = None if first is None else find_payment(transaction, self._catalogue, self._bot_id, first)
        if found is None:
            msg = "the ledger does not have the first payment of this subscription, by which Telegram knows it; reconcile first"
            raise PaymentError(msg, charge_id=charge_id)
        return found

    def _first_charge_id(
        self, transaction: Transaction, user_id: int, invoice_id: str, *where: sa.ColumnElement[bool]
    ) -> str | None:
        query = (
            sa.select(payments.c.charge_id)
            .where(*self._periods(user_id, invoice_id), payments.c.is_first_recurring == 1, *where)
            .order_by(payments.c.paid_at.desc())
            .limit(1)
        )
        return transaction.connection.execute(query).scalar_one_or_none()

    def _periods(self, user_id: int, invoice_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            payments.c.bot_id == self._bot_id,
            payments.c.user_id == user_id,
            payments.c.invoice_id == invoice_id,
            payments.c.is_recurring == 1,
        )


def find_active(
    transaction: Transaction, catalogue: Catalogue, bot_id: int, user_id: int, stage_id: str | None
) -> ActiveSubscription | None:
    """The subscription of a user whose period ends last, by the database's clock."""
    # Among what this user has paid: it would be looked for among all that have not ended, the last first.
    ends = unindexed(payments.c.subscription_expires_at)
    where = [
        payments.c.user_id == user_id,
        payments.c.state == PaymentState.ACCEPTED,
        ends > DatabaseNow(),
    ]
    if stage_id is not None:
        where.append(payments.c.stage_id == stage_id)
    query = select_payments(bot_id).where(*where).order_by(ends.desc(), payments.c.paid_at.desc()).limit(1)
    row = transaction.connection.execute(query).mappings().first()
    if row is None:
        return None
    payment = payment_of(transaction, catalogue, row)
    assert payment.subscription_expires_at is not None, "it is later than now"
    known = transaction.connection.execute(
        sa.select(subscriptions.c.state).where(
            subscriptions.c.bot_id == bot_id,
            subscriptions.c.user_id == user_id,
            subscriptions.c.invoice_id == payment.invoice_id,
            subscriptions.c.changed_at >= payment.recorded_at,  # an earlier word was about an earlier period
        )
    ).scalar_one_or_none()
    state = SubscriptionState.ACTIVE if known is None else SubscriptionState(known)
    return ActiveSubscription(expires_at=payment.subscription_expires_at, state=state, payment=payment)
