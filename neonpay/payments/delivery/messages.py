"""Messages that handlers say with ``ctx.tell``: written with the mark that the handler is done, sent by jobs of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from neonpay.core.clock import moment
from neonpay.core.events import MessageQueued
from neonpay.core.payments import Payment
from neonpay.errors import ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.consumers.selection import TELL
from neonpay.payments.delivery.telling import Teller
from neonpay.payments.handlers.context import PaymentContext, Said
from neonpay.payments.handlers.registry import handler_name
from neonpay.store.entries import find_event, publish
from neonpay.store.ids import message_id
from neonpay.store.job_rows import INSERT_JOB, Job, leased_row


class Queued(NamedTuple):
    """A message about to be written, with the job that will send it, leased to whoever writes it."""

    event: MessageQueued
    job: Job


def queued(said: Mapping[str, Said], job: Job, payment: Payment, *, at_us: int, token: int) -> list[Queued]:
    """The messages of one handler; ``token`` and the numbers after it are nobody else's."""
    return [
        _queued(key, one, job, payment, at_us=at_us, token=token + place)
        for place, (key, one) in enumerate(said.items())
    ]


def _queued(key: str, said: Said, job: Job, payment: Payment, *, at_us: int, token: int) -> Queued:
    event_id = message_id(job.event_id, job.consumer, key)
    event = MessageQueued(
        bot_id=job.bot_id,
        event_id=event_id,
        at=moment(at_us),
        user_id=payment.user_id,
        stage_id=payment.stage_id,
        invoice_id=payment.invoice_id,
        charge_id=payment.charge_id,
        handler=handler_name(job.consumer),
        chat_id=said.chat_id,
        message=said.message,
    )
    return Queued(event, Job(job.bot_id, event_id, TELL, payment.charge_id, 1, token, payment))


def write(transaction: Transaction, messages: list[Queued], lease_us: int) -> None:
    """Keep messages and their jobs in the transaction; one that is there already stays as it is."""
    publish(transaction, *[one.event for one in messages])
    transaction.insert(INSERT_JOB, *[leased_row(one.job, lease_us) for one in messages])


class Messages:
    """Sends what handlers have said."""

    def __init__(self, ledger: Ledger, teller: Teller) -> None:
        self._ledger = ledger
        self._teller = teller

    async def send(self, payment: Payment, context: PaymentContext) -> None:
        """The job of one message; raises as ``Teller.tell``."""
        event = await self._ledger.read(find_event, payment.bot_id, context.event_id)
        if not isinstance(event, MessageQueued) or event.chat_id is None:
            raise ValidationError("event", context.event_id, "a message that was queued")
        chat_id, message = event.chat_id, event.message

        async def say() -> None:
            await self._teller.tell(chat_id, message, about=payment)

        await context.step("send", say)
