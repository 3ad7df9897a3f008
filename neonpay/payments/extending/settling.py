"""The state of a payment is set here, and every extension makes its rows right for it in the same transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from neonpay.core.events import Event
from neonpay.core.payments import Attention, Payment, PaymentState
from neonpay.core.text import clean
from neonpay.errors import TransactionEndedError
from neonpay.ledger import Transaction
from neonpay.payments.consumers.selection import SETTLE, ConsumerSelection
from neonpay.payments.extending.lending import lend
from neonpay.payments.extension import Extension, Lent, SendBack, Settlement
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.jobs import give_job
from neonpay.store.payment_rows import set_state

logger = logging.getLogger("neonpay.payments")


class Verdict(NamedTuple):
    """What an extension wants to have sent back, and why."""

    extension: str
    words: str


class Settled(NamedTuple):
    """What has come of a batch.

    Attributes:
        sent_back: the first extension's verdict by charge id.
        published: facts that the extensions have written.
    """

    sent_back: Mapping[str, Verdict]
    published: Sequence[Event]


NOTHING = Settled({}, ())


class Settling:
    """Tells the extensions of one bot what has become of its payments."""

    def __init__(self, bot_id: int, extensions: Extensions, plan: ConsumerSelection) -> None:
        self._bot_id = bot_id
        self._extensions = extensions
        self._plan = plan
        self._apart: set[str] = set()
        """Extensions that have ended a transaction, which are asked in transactions of their own from then on."""

    @property
    def is_used(self) -> bool:
        """Whether the shop has extensions that look at payments."""
        return bool(self._extensions.having("settle") or self._plan.settled_elsewhere())

    def change(
        self,
        transaction: Transaction,
        payment: Payment,
        event_id: str,
        state: PaymentState,
        attention: Attention | None = None,
    ) -> Sequence[Event]:
        """Set the state of a payment that is locked, and settle; the facts that extensions have written."""
        now = set_state(transaction, payment, state, attention)
        self._plan.read(transaction)
        return self.settle(transaction, [Settlement(payment=now, event_id=event_id)]).published

    def settle(self, transaction: Transaction, payments: Sequence[Settlement]) -> Settled:
        """Show payments to every extension of the shop; those that other programs have are shown them by a job.

        The consumers of the shop were read in this transaction.

        Raises:
            TransactionEndedError: an extension has ended the transaction; when the unit runs again, it is not asked in it.
        """
        elsewhere = self._plan.settled_elsewhere()
        here = self._extensions.having("settle")
        if not (payments and (elsewhere or here)):
            return NOTHING
        sent_back: dict[str, Verdict] = {}
        published: list[Event] = []
        for extension in here:
            if extension.name in self._apart:
                self._leave(transaction, f"{SETTLE}{extension.name}", payments)
                continue
            for charge_id, words in self._show(transaction, extension, payments, published).items():
                sent_back.setdefault(charge_id, Verdict(extension.name, words))
        for name in elsewhere:
            self._leave(transaction, name, payments)
        return Settled(sent_back, published)

    def _show(
        self, transaction: Transaction, extension: Extension, payments: Sequence[Settlement], published: list[Event]
    ) -> Mapping[str, str]:
        try:
            sent_back, facts = lend(transaction, extension, lambda lent: settle_with(extension, lent, payments))
        except TransactionEndedError:
            logger.error("extension %s ends the transaction in which it settles, and is asked apart", extension.name)  # noqa: TRY400
            self._apart.add(extension.name)
            raise
        except Exception as exc:  # an extension's fault must not undo the record of money that arrived
            if extension.in_unit:
                raise
            if len(payments) > 1:
                alone = [self._show(transaction, extension, [one], published) for one in payments]
                return {charge_id: words for of_one in alone for charge_id, words in of_one.items()}
            (one,) = payments
            words = "extension %s could not settle charge %s; it is tried again"
            logger.warning(words, extension.name, one.payment.charge_id, exc_info=exc)
            self._leave(transaction, f"{SETTLE}{extension.name}", payments)
            return {}
        published += facts
        return sent_back

    def _leave(self, transaction: Transaction, consumer: str, payments: Sequence[Settlement]) -> None:
        for one in payments:
            about = {"event_id": one.event_id, "charge_id": one.payment.charge_id}
            give_job(transaction, consumer, bot_id=self._bot_id, **about, token=None, lease_us=0)


def settle_with(extension: Extension, lent: Lent, payments: Sequence[Settlement]) -> Mapping[str, str]:
    """Why an extension sends payments back, by charge id, in words that can be kept.

    Raises:
        TypeError: it has returned something else.
    """
    verdicts: object = extension.settle(lent, payments)
    if isinstance(verdicts, Mapping) and all(isinstance(one, SendBack) for one in verdicts.values()):
        return {str(charge_id): clean(str(verdict.words)) for charge_id, verdict in verdicts.items()}
    msg = f"settle of extension {extension.name!r} returned {verdicts!r}, and not SendBack by charge id, such as {{}}"
    raise TypeError(msg)
