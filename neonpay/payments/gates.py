"""Who may buy: asked before an invoice is made and before a checkout is approved, and never once Stars have moved.

There are four doors for a rule before checkout. A gate looks inside the transaction that decides, and must not wait. A hook of
``on_pre_checkout`` may wait, for the budget of a checkout, and sees no transaction. The ``before_checkout`` of a middleware is
one more such hook. An extension that ``hold``s sets something aside for the sale, and lets go of it when there is none.
A program registers the first three by ``add_gate``, ``on_pre_checkout`` and ``add_middleware``, and an extension by ``use``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from neonpay.core.checkout import buyer_message
from neonpay.core.payments import Invoice, PreCheckout
from neonpay.core.text import clean
from neonpay.core.words import Translated
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What is about to be offered, or paid.

    Attributes:
        sale_id: id of the event that will tell of it; the same when the unit of work runs again.
        user_id: who asks for the invoice, or who pays; None for a link that nobody in particular asked for.
        invoice: None while it is not made yet.
        query: the checkout, or None while the invoice is not made yet.
    """

    bot_id: int
    sale_id: str
    user_id: int | None
    stage_id: str
    price_stars: int
    invoice: Invoice | None = None
    query: PreCheckout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A no, of a gate or of the checkout guard itself.

    Attributes:
        reason: why, for the owner: a ``Decline``, or a word of the gate's own such as ``sold_out``.
        message: what the buyer reads, in their language when it is ``Translated``; without it the words of the ``Decline``,
            or that the seller cannot take this payment.
        retry_after_s: seconds after which it may be a yes, where that is known.

    Raises:
        ValidationError: there is no reason.
    """

    reason: str
    message: Translated | str | None = None
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        reason: object = self.reason
        if not isinstance(reason, str) or not reason.strip():
            raise ValidationError("reason", reason, "a word that says why, such as 'sold_out'")
        # An event keeps the one and Telegram is told the other, which it does not take blank.
        object.__setattr__(self, "reason", clean(str.__str__(reason)))
        message = self.message
        if isinstance(message, Translated):
            object.__setattr__(self, "message", message.mapped(_told))
        elif message is not None:
            object.__setattr__(self, "message", _told(message))

    def said(self, language_code: str | None) -> str:
        """What a buyer with this language of Telegram's reads."""
        message = self.message
        own = message.said(language_code) if isinstance(message, Translated) else message
        return own or buyer_message(self.reason, language_code)


def _told(message: object) -> str:
    return clean(message).strip()


class Gate(Protocol):
    """Decides inside the transaction that writes the invoice or the approval, so what it writes is kept with the sale."""

    @property
    def counts_declines(self) -> frozenset[str]:
        """The reasons of declined checkouts that it wants to be told of."""
        ...

    @property
    def counts_checkouts(self) -> bool:
        """Whether ``check`` writes what it agrees to, so that it must not be asked twice about one checkout."""
        ...

    def check(self, transaction: Transaction, sale: Sale) -> Refusal | None:
        """Why this may not go on, or None. A unit of work: it may run more than once, and must not wait.

        What it raises stops the sale: a checkout is declined, ``send_payment`` fails, and nothing is kept.
        """
        ...

    def withdrawn(self, transaction: Transaction, user_id: int, sale_id: str) -> None:
        """An approval that ``check`` had agreed to did not reach Telegram in time: forget what was written for it.

        A checkout that Telegram delivers again is asked about once, and taken back only for what was said the first time.
        """
        ...

    def declined(self, transaction: Transaction, query: PreCheckout, reason: str) -> None:
        """A checkout was declined, by whomever, for one of ``counts_declines``. What it raises is logged."""
        ...


def first_refusal(gates: Sequence[Gate], transaction: Transaction, sale: Sale) -> Refusal | None:
    """The first gate's no, or None when all agree."""
    for gate in gates:
        refusal = gate.check(transaction, sale)
        if refusal is not None:
            return refusal
    return None
