"""The rules that a checkout must pass before Telegram may take a Star. Whatever is not clearly in order is declined."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from neonpay.core.payments import Invoice, PreCheckout
from neonpay.core.price_check import mismatch
from neonpay.core.words import NEONPAY, Translated, Words

CHECKOUT_BUDGET_S = 8.0
"""Time that a decision may take when the program says nothing else; the rest of Telegram's ten seconds is the answer's."""


class Decline(enum.StrEnum):
    """Why a checkout was declined."""

    FORGED_PAYLOAD = "forged_payload"
    UNKNOWN_INVOICE = "unknown_invoice"
    NOT_ON_SALE = "not_on_sale"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_PAYER = "wrong_payer"
    EXPIRED = "expired"
    ALREADY_PAID = "already_paid"
    BEING_PAID = "being_paid"
    REFUSED = "refused"
    BLOCKED = "blocked"
    TOO_OFTEN = "too_often"
    TOO_MUCH = "too_much"
    TOO_MANY_REFUNDS = "too_many_refunds"
    TOO_RISKY = "too_risky"
    LINK_USED_UP = "link_used_up"
    TOO_SLOW = "too_slow"
    ERROR = "error"


class CheckoutRefused(Exception):  # noqa: N818  # a verdict that a hook gives, not a fault
    """Raise it in an ``on_pre_checkout`` hook to decline; the buyer reads ``message``.

    Attributes:
        message: what the buyer reads, in their language when it is ``Translated``.
        reason: why, for the owner, as in a ``Refusal``.
    """

    reason: str = Decline.REFUSED

    def __init__(self, message: Translated | str, *, reason: str = Decline.REFUSED) -> None:
        self.message = message
        self.reason = reason
        super().__init__(message.english if isinstance(message, Translated) else message)


_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        Decline.FORGED_PAYLOAD: Words("This invoice is not valid. Please ask for a new one."),
        Decline.UNKNOWN_INVOICE: Words("This invoice is not valid any more. Please ask for a new one."),
        Decline.NOT_ON_SALE: Words("This is no longer for sale."),
        Decline.WRONG_AMOUNT: Words("The price of this invoice is wrong. Please ask for a new one."),
        Decline.WRONG_PAYER: Words("This invoice was made for somebody else. Please ask for your own."),
        Decline.EXPIRED: Words("This invoice has expired. Please ask for a new one."),
        Decline.ALREADY_PAID: Words("This invoice has been paid already."),
        Decline.BEING_PAID: Words("This invoice is being paid right now. Please try again in a minute."),
        Decline.REFUSED: Words("The seller cannot take this payment."),
        Decline.BLOCKED: Words("The seller does not sell to you."),
        Decline.TOO_OFTEN: Words("That was too often. Please try again later."),
        Decline.TOO_MUCH: Words("You have spent as much as the seller allows for now. Please try again later."),
        Decline.TOO_MANY_REFUNDS: Words("You have had several refunds lately. Please ask the seller."),
        Decline.TOO_RISKY: Words("The seller has to look at this first. Please ask the seller."),
        Decline.LINK_USED_UP: Words("This link has been paid too many times. Please ask for an invoice of your own."),
        Decline.TOO_SLOW: Words("The shop took too long to answer. No Stars were taken; please try again."),
        Decline.ERROR: Words("Something went wrong in the shop. No Stars were taken; please try again."),
    }
)


def buyer_message(reason: str, language_code: str | None) -> str:
    """What the buyer reads: the words of a ``Decline``, and for every other reason those of ``Decline.REFUSED``."""
    return NEONPAY.say(_WORDS.get(reason, _WORDS[Decline.REFUSED]), language_code)


def fault_of(
    query: PreCheckout, *, quoted_stars: int, invoice: Invoice | None, is_on_sale: bool, now: datetime
) -> Decline | None:
    """Why this checkout must not go through, or None when it may.

    Args:
        quoted_stars: the price that the signed payload says.
        invoice: what the ledger knows of the invoice.
        is_on_sale: whether its stage still is; an invoice keeps its price when only the content of the stage has changed.
    """
    if invoice is None:
        return Decline.UNKNOWN_INVOICE
    wrong = mismatch(
        currency=query.currency,
        amount=query.amount,
        user_id=query.user_id,
        price_stars=invoice.price_stars if quoted_stars == invoice.price_stars else None,
        payer_id=invoice.user_id,
    )
    if wrong is not None:
        return Decline(wrong)
    if not is_on_sale:
        return Decline.NOT_ON_SALE
    if invoice.is_over or (invoice.expires_at is not None and now >= invoice.expires_at):
        return Decline.EXPIRED
    if invoice.stage.max_payments is not None and invoice.seats_taken >= invoice.stage.max_payments:
        return Decline.ALREADY_PAID
    return None
