"""The rules that a checkout must pass before Telegram may take a Star. Whatever is not clearly in order is declined."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from neonpay.core.payments import Invoice, PreCheckout
from neonpay.core.terms import mismatch
from neonpay.core.wording import OURS, Text
from neonpay.errors import ValidationError

_REASON = re.compile(r"[a-z][a-z0-9_.]{0,63}")

CHECKOUT_BUDGET_S = 8.0
"""Time that a decision may take when the program says nothing else; the rest of Telegram's ten seconds is the answer's."""


class Decline(enum.StrEnum):
    """Why neonpay itself declines a checkout; gates and hooks may have reasons of their own."""

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


def checked_reason(reason: object) -> str:
    """The reason of a refusal, if it can be one: a word that programs compare, which names neither people nor numbers.

    Raises:
        ValidationError: it is not.
    """
    if not isinstance(reason, str) or _REASON.fullmatch(reason) is None:
        raise ValidationError("reason", reason, "up to 64 of a-z, 0-9, _ and ., such as 'sold_out'")
    return str(reason)


class CheckoutRefused(Exception):  # noqa: N818  # a verdict that a hook gives, not a fault
    """Raise it in an ``on_pre_checkout`` hook to decline; the buyer reads ``message``.

    Attributes:
        message: words for the buyer; a ``Text`` is said in their language.
        reason: why, for the owner: a word of a-z, 0-9, ``_`` and ``.``, which the event ``checkout_declined`` has.

    Raises:
        ValidationError: the reason is no such word.
    """

    reason: str = Decline.REFUSED

    def __init__(self, message: str | Text, *, reason: str = Decline.REFUSED) -> None:
        self.message = message
        self.reason = checked_reason(reason)
        super().__init__(message.english if isinstance(message, Text) else message)


_TEXTS: Mapping[str, Text] = MappingProxyType(
    {
        Decline.FORGED_PAYLOAD: OURS.translatable("This invoice is not valid. Please ask for a new one."),
        Decline.UNKNOWN_INVOICE: OURS.translatable("This invoice is not valid any more. Please ask for a new one."),
        Decline.NOT_ON_SALE: OURS.translatable("This is no longer for sale."),
        Decline.WRONG_AMOUNT: OURS.translatable("The price of this invoice is wrong. Please ask for a new one."),
        Decline.WRONG_PAYER: OURS.translatable("This invoice was made for somebody else. Please ask for your own."),
        Decline.EXPIRED: OURS.translatable("This invoice has expired. Please ask for a new one."),
        Decline.ALREADY_PAID: OURS.translatable("This invoice has been paid already."),
        Decline.BEING_PAID: OURS.translatable("This invoice is being paid right now. Please try again in a minute."),
        Decline.REFUSED: OURS.translatable("The seller cannot take this payment."),
        Decline.BLOCKED: OURS.translatable("The seller does not sell to you."),
        Decline.TOO_OFTEN: OURS.translatable("That was too often. Please try again later."),
        Decline.TOO_MUCH: OURS.translatable(
            "You have spent as much as the seller allows for now. Please try again later."
        ),
        Decline.TOO_MANY_REFUNDS: OURS.translatable("You have had several refunds lately. Please ask the seller."),
        Decline.TOO_RISKY: OURS.translatable("The seller has to look at this first. Please ask the seller."),
        Decline.LINK_USED_UP: OURS.translatable(
            "This link has been paid too many times. Please ask for an invoice of your own."
        ),
        Decline.TOO_SLOW: OURS.translatable("The shop took too long to answer. No Stars were taken; please try again."),
        Decline.ERROR: OURS.translatable("Something went wrong in the shop. No Stars were taken; please try again."),
    }
)


def decline_text(reason: str) -> Text:
    """What the buyer reads for a reason; one that is not ours says no more than that the seller cannot take the payment."""
    return _TEXTS.get(reason, _TEXTS[Decline.REFUSED])


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
    if invoice.expires_at is not None and now >= invoice.expires_at:
        return Decline.EXPIRED
    if invoice.stage.max_payments is not None and invoice.seats_taken >= invoice.stage.max_payments:
        return Decline.ALREADY_PAID
    return None
