"""Messages to buyers as an extension: receipts, refunds, renewals, and their purchases whenever they ask."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Payment, PaymentState, RefundState, Source
from neonpay.core.ports import Command, Press
from neonpay.core.words import NEONPAY, Words
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, people, refunds
from neonpay.notifications import buyer_words as say
from neonpay.notifications.forgetting import forget_subscribers
from neonpay.notifications.host_words import HostWords, Translator
from neonpay.notifications.renewals import days_us, tell_of_renewals
from neonpay.payments.extension import Conversation, Extension, Host, Subscriber
from neonpay.payments.handlers.builtin_jobs import MessageRefused, PutOff
from neonpay.payments.host import ShopHost
from neonpay.store.once import Once
from neonpay.store.payment_rows import find_refund, payment_of, select_payments
from neonpay.store.periodic import PeriodicTask, Turn
from neonpay.store.restored import fence_us
from neonpay.store.stage_versions import Catalogue

logger = logging.getLogger("neonpay.notifications")

_ORDERS: Final = re.compile(r"/orders(?:@\w+)?\s*", re.IGNORECASE)
_PRESS: Final = re.compile(r"neonpay:receipt:([0-9a-f]{32})")
_SHOWN: Final = 10
_LOOK_S: Final = 3600.0
_SOON_S: Final = 1.0
_CHARGE_CHARS: Final = 64
_DAYS_MOST: Final = 28
_UNDER_WAY: Final = frozenset({RefundState.INTENDED, RefundState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class _Open:
    host: ShopHost
    catalogue: Catalogue
    since_us: int


@dataclass(frozen=True, slots=True)
class _Purchase:
    """A payment and where its Stars are."""

    payment: Payment
    event_id: str
    is_going_back: bool

    @property
    def is_back(self) -> bool:
        return self.payment.state is PaymentState.REFUNDED


class BuyerMessages(Extension):
    """Tells buyers what concerns them: ``neonpay.use(BuyerMessages(receipts=True))``.

    Each message is a job of its event: at least once, through restarts, in the buyer's language as their Telegram told it last.
    Whoever has blocked the bot is not told, which is nobody's failure.

    Args:
        receipts: a receipt after each payment, and /orders, which shows the last purchases and sends a receipt again.
        refunds: that the Stars are back.
        reminder_days: so many days before a subscription renews; 0 for no reminder.
        failed_renewals: that a renewal failed, and what to do.
        endings: that a subscription has ended.
        translate: the host's own translator, asked first; keys are ``receipt``, ``refunded``, ``renews_soon``,
            ``renewal_failed`` and ``ended``.

    Raises:
        ValidationError: the reminder comes before the period has begun.
    """

    name = "buyers"

    def __init__(
        self,
        *,
        receipts: bool = True,
        refunds: bool = True,
        reminder_days: float = 3.0,
        failed_renewals: bool = True,
        endings: bool = True,
        translate: Translator | None = None,
    ) -> None:
        if not 0 <= reminder_days <= _DAYS_MOST:
            raise ValidationError("reminder_days", reminder_days, f"0 to {_DAYS_MOST} days")
        self._receipts = receipts
        self._reminder_days = reminder_days
        wanted = {
            "payment_completed": receipts,
            "payment_refunded": refunds,
            "renewal_near": reminder_days > 0,
            "subscription_failed": failed_renewals,
            "subscription_ended": endings,
        }
        self._events = tuple(name for name, is_wanted in wanted.items() if is_wanted)
        self._host = HostWords(translate)
        self._open: _Open | None = None

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Talk to buyers while the shop is open."""
        assert isinstance(host, ShopHost), "an extension of neonpay's own runs in neonpay's own host"
        opened = self._open = _Open(host, Catalogue(host.bot_id), host.clock.now_us())
        try:
            yield
        finally:
            if self._open is opened:  # and not that of a shop which was opened on another event loop meanwhile
                self._open = None

    def subscribers(self) -> Sequence[Subscriber]:
        """One for each event, so that a program which tells of it does, whatever other programs leave out."""
        return [Subscriber(name=name, events=frozenset({name}), run=self._tell) for name in self._events]

    def periodic(self) -> Sequence[PeriodicTask]:
        """The look for renewals that are near, and for what no program tells of any more."""
        looks = [PeriodicTask("renewals", _LOOK_S, self._look, at_start=True)] if self._reminder_days else []
        return [*looks, PeriodicTask("forget", _LOOK_S, self._forget)]

    def conversation(self) -> Conversation | None:
        """Itself, where receipts are given."""
        return self if self._receipts else None

    def wants_command(self, text: str) -> bool:
        """Whether a message is /orders."""
        return _ORDERS.fullmatch(text) is not None

    def wants_press(self, data: str) -> bool:
        """Whether a button is that of a receipt."""
        return _PRESS.fullmatch(data) is not None

    async def command(self, command: Command) -> None:
        """Show the last purchases of whoever asks, in their own chat."""
        if self._open is None:
            return
        host, language = self._open.host, command.language_code
        rows: list[JsonValue] = []
        for bought in await host.ledger.read(self._purchases, host.bot_id, command.user_id):
            payment = bought.payment
            label = f"{payment.title or '?'} · {payment.amount_stars} ⭐ · {payment.paid_at:%Y-%m-%d}"
            if bought.is_back or bought.is_going_back:
                label += " · ↩️" if bought.is_back else " · ↩️ ⏳"
            rows.append([{"text": label, "callback_data": f"neonpay:receipt:{bought.event_id}"}])
        text = NEONPAY.say(say.ORDERS if rows else say.NO_ORDERS, language)
        message: dict[str, JsonValue] = {"chat_id": command.user_id, "text": text}
        if rows:
            message["reply_markup"] = {"inline_keyboard": rows}
        if command.message_thread_id is not None:
            message["message_thread_id"] = command.message_thread_id
        await host.outbox.post("sendMessage", message, chat_id=command.user_id, asker_id=command.user_id)

    async def press(self, press: Press) -> None:
        """Send a receipt again, to whoever has paid."""
        found = _PRESS.fullmatch(press.data)
        assert found is not None, "only wanted presses are handed over"
        if self._open is None:
            return
        host, toast = self._open.host, ""
        mine = (payments.c.user_id == press.user_id, payments.c.event_id == found[1])
        bought = await host.ledger.read(self._one, host.bot_id, *mine)
        if bought is None:
            toast = NEONPAY.say(say.NOT_YOURS, press.language_code)
        else:
            text = self._receipt(bought, press.language_code)
            message: dict[str, JsonValue] = {"chat_id": press.user_id, "text": text}
            if press.message_thread_id is not None and press.chat_id == press.user_id:
                message["message_thread_id"] = press.message_thread_id
            await host.outbox.post("sendMessage", message, chat_id=press.user_id, asker_id=press.user_id)
        await host.outbox.post(
            "answerCallbackQuery",
            {"callback_query_id": press.query_id, "text": toast},
            chat_id=press.user_id,
            asker_id=press.user_id,
        )

    async def _look(self, turn: Turn) -> float | None:
        if self._open is None:
            return _SOON_S
        host = self._open.host
        unit = Once(turn.bot_id, tell_of_renewals)
        facts = await host.ledger.run(unit, turn, host.clock.now_us(), days_us(self._reminder_days))
        host.announce(*facts)
        return None

    async def _forget(self, turn: Turn) -> float | None:
        opened = self._open
        if opened is None:
            return _SOON_S
        host = opened.host
        if host.clock.now_us() - opened.since_us < _LOOK_S * 1_000_000:
            return None  # programs that started together have not all said what they have
        own = [f"{self.name}:{name}" for name in self._events]
        for name in await host.ledger.run(forget_subscribers, turn.bot_id, f"{self.name}:", own):
            logger.info("%s is forgotten: no program of this shop tells buyers of it any more", name)
        return None

    async def _tell(self, event: Event) -> None:
        opened = self._open
        if opened is None:
            raise PutOff(_SOON_S)
        found = await opened.host.ledger.read(self._read, event)
        if found is None:
            return
        bought, kept = found
        payment = bought.payment
        # Whoever comes and pays within seconds is written down after their receipt.
        language = opened.host.language_of(payment.user_id) or kept
        text = self._text(event, bought, language)
        try:
            await opened.host.teller.tell(payment.user_id, {"text": text}, about=payment)
        except MessageRefused as exc:
            logger.info("buyer %d is not told of %s: %s", payment.user_id, event.name, exc)

    def _read(self, transaction: Transaction, event: Event) -> tuple[_Purchase, str | None] | None:
        if event.charge_id is None:
            return None
        bought = self._one(transaction, event.bot_id, payments.c.charge_id == event.charge_id)
        if bought is None or (event.name == "payment_refunded" and _was_told(transaction, bought.payment)):
            return None
        query = sa.select(people.c.language_code).where(
            people.c.bot_id == event.bot_id, people.c.user_id == bought.payment.user_id
        )
        return bought, transaction.connection.execute(query).scalar()

    def _purchases(self, transaction: Transaction, bot_id: int, user_id: int) -> list[_Purchase]:
        """What a user has paid last, newest first; what has gone back is among it."""
        newest_first = (payments.c.paid_at.desc(), payments.c.charge_id)
        query = _select(bot_id).where(payments.c.user_id == user_id).order_by(*newest_first).limit(_SHOWN)
        return [self._of(transaction, row) for row in transaction.connection.execute(query).mappings().all()]

    def _one(self, transaction: Transaction, bot_id: int, *where: sa.ColumnElement[bool]) -> _Purchase | None:
        row = transaction.connection.execute(_select(bot_id).where(*where)).mappings().first()
        return None if row is None else self._of(transaction, row)

    def _of(self, transaction: Transaction, row: sa.RowMapping) -> _Purchase:
        assert self._open is not None, "it talks to buyers"
        payment, refund = payment_of(transaction, self._open.catalogue, row), row["refund_state"]
        is_going_back = payment.state is PaymentState.REFUND_DUE or refund in _UNDER_WAY
        return _Purchase(payment, row["event_id"], is_going_back)

    def _text(self, event: Event, bought: _Purchase, language: str | None) -> str:
        payment = bought.payment
        if event.name == "payment_completed":
            return self._receipt(bought, language)
        if event.name == "payment_refunded":
            return self._say("refunded", say.REFUNDED, payment, language)
        if event.name == "renewal_near":
            soon = self._say("renews_soon", say.RENEWS_SOON, payment, language)
            return f"{soon}\n\n{NEONPAY.say(say.HOW_TO_STOP, language)}"
        if event.name == "subscription_failed":
            return self._say("renewal_failed", say.RENEWAL_FAILED, payment, language)
        return self._say("ended", say.ENDED, payment, language)

    def _receipt(self, bought: _Purchase, language: str | None) -> str:
        payment = bought.payment
        lines = [self._say("receipt", say.RECEIPT, payment, language, date=f"{payment.paid_at:%Y-%m-%d}")]
        if bought.is_back or bought.is_going_back:
            lines.append(NEONPAY.say(say.RETURNED if bought.is_back else say.RETURNING, language))
        elif payment.subscription_expires_at is not None:
            lines.append(NEONPAY.say(say.PAID_UNTIL, language, date=f"{payment.subscription_expires_at:%Y-%m-%d}"))
        return "\n".join(lines)

    def _say(self, key: str, words: Words, payment: Payment, language: str | None, *, date: str | None = None) -> str:
        ends = payment.subscription_expires_at
        values = {
            "title": payment.title or "?",
            "stars": payment.amount_stars,
            "charge": payment.charge_id[:_CHARGE_CHARS],
            "date": date or (f"{ends:%Y-%m-%d}" if ends is not None else ""),
        }
        own = self._host.said(key, language, values)
        return NEONPAY.say(words, language, **values) if own is None else own


def _select(bot_id: int) -> sa.Select[tuple[object, ...]]:
    """Payments of a bot with how far their refunds have come."""
    refund = sa.select(refunds.c.state).where(
        refunds.c.bot_id == payments.c.bot_id, refunds.c.charge_id == payments.c.charge_id
    )
    return select_payments(bot_id).add_columns(refund.scalar_subquery().label("refund_state"))


def _was_told(transaction: Transaction, payment: Payment) -> bool:
    """Whether a ledger that is lost may have told of a refund: it was found in Telegram's list after this one was restored."""
    refund = find_refund(transaction, payment.bot_id, payment.charge_id)
    if refund is None or refund.source is not Source.RECONCILE:
        return False
    return microseconds(payment.paid_at) < fence_us(transaction)
