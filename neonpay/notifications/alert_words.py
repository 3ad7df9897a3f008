"""What an owner reads of each kind of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from neonpay.core.events import BalanceDrifted, Event, PaymentNeedsAttention
from neonpay.core.payments import Attention
from neonpay.core.words import NEONPAY, Words
from neonpay.notifications.fitting import NAMED_CHARS
from neonpay.notifications.masking import shown_buyer

_SALE: Final = Words("{stars} Star", "{stars} Stars")
_LINES: Final[Mapping[str, Words]] = {
    "stage_id": Words("Product: {value}"),
    "user_id": Words("Buyer: {value}"),
    "charge_id": Words("Charge: {value}"),
    "handler": Words("Handler: {value}"),
    "reason": Words("Why: {value}"),
}
_VALUE_CHARS: Final = 300
WHY: Final[Mapping[str, Words]] = {
    Attention.FOREIGN_PAYLOAD: Words(
        "Its invoice was not made by neonpay, and this bot says that it sells nothing else."
    ),
    Attention.FORGED_PAYLOAD: Words("The signature of its invoice does not verify."),
    Attention.OTHER_LEDGER: Words("Another ledger has sold it, and most likely delivered it."),
    Attention.UNKNOWN_INVOICE: Words(
        "The signature is right, but this ledger has no such invoice; perhaps a database was lost."
    ),
    Attention.WRONG_AMOUNT: Words("The amount or the currency is not what the invoice says."),
    Attention.WRONG_PAYER: Words("Somebody else paid it than the invoice was made for."),
    Attention.NO_HANDLER: Words(
        "No program of the shop delivers this product: for ten minutes none had a handler for it."
    ),
    Attention.RESTORED: Words("It was paid before the ledger was restored from a backup, which does not have it."),
    Attention.REFUND_REFUSED: Words("It was to go back, and Telegram refuses that for good."),
}
"""Why a payment waits, by what the event has as its reason."""
SUBJECTS: Final[Mapping[str, Words]] = {
    "payment_completed": Words("💫 Sold"),
    "payment_delivered": Words("📦 Delivered"),
    "payment_refunded": Words("↩️ Refunded"),
    "payment_rejected": Words("↩️ Rejected by a handler, the Stars go back"),
    "payment_needs_attention": Words("🖐 A payment waits for your decision"),
    "fulfilment_abandoned": Words("🧯 A delivery has been given up"),
    "refund_failed": Words("⛔️ Telegram refuses a refund"),
    "balance_drifted": Words("⚖️ The balance and Telegram's list differ"),
    "payment_unexplained": Words("🕵️ A payment that Telegram does not know"),
    "withdrawal_failed": Words("🏦 A withdrawal failed"),
    "withdrawal_succeeded": Words("🏦 A withdrawal has gone through"),
    "checkout_declined": Words("🚫 Checkout declined"),
    "subscription_canceled": Words("🔕 A subscription will not be renewed"),
    "subscription_failed": Words("💳 A renewal failed"),
    "subscription_ended": Words("🏁 A subscription has ended"),
    "user_reported": Words("🚨 Suspicious activity"),
    "checkout_approved": Words("✅ Checkout approved"),
    "fulfilment_failed": Words("🔧 A delivery has failed and is tried again"),
    "invoice_created": Words("🧾 Invoice made"),
    "invoice_failed": Words("🧾 An invoice was not sent"),
    "invoice_expired": Words("⌛️ An invoice has expired"),
    "invoice_abandoned": Words("⌛️ An invoice was left unpaid"),
    "message_queued": Words("✉️ A message to the buyer is on its way"),
    "offer_refused": Words("✋ An offer was refused"),
    "refund_requested": Words("↩️ A refund has begun"),
    "refund_review_requested": Words("🙋 A buyer asks for their Stars back"),
    "refund_request_approved": Words("👍 A request for a refund was granted"),
    "refund_request_refused": Words("👎 A request for a refund was refused"),
    "renewal_near": Words("🔁 A subscription renews soon"),
    "stars_moved": Words("💱 Stars moved"),
    "subscription_restored": Words("🔔 A subscription was taken up again"),
    "user_blocked": Words("⛔️ A person is blocked"),
    "user_trusted": Words("🤝 A person is trusted"),
    "user_unblocked": Words("🔓 A person is neither blocked nor trusted any more"),
}
WHAT_TO_DO: Final[Mapping[str, Words]] = {
    "payment_needs_attention": Words(
        "Decide with: neonpay payments accept {charge}, or give it back with: neonpay payments refund {charge}"
    ),
    Attention.RESTORED: Words(
        "It may have been delivered before the ledger was restored from a backup. Look whether the buyer has it; if so: "
        "neonpay payments accept --delivered {charge}. If not: neonpay payments accept {charge}, "
        "or neonpay payments refund {charge}"
    ),
    Attention.OTHER_LEDGER: Words(
        "Do not give it back here: give the bot that ledger. What is there of it: neonpay payments show {charge}"
    ),
    "fulfilment_abandoned": Words("Mend the handler, then: neonpay payments retry {charge}"),
    "refund_failed": Words(
        "The Stars are with the bot still. Talk to the buyer, or try again with: neonpay payments refund {charge}"
    ),
    "balance_drifted": Words("See: neonpay reconcile"),
    "payment_unexplained": Words("Do not deliver it again, and see: neonpay payments show {charge}"),
}


_AGREES: Final = Words("⚖️ The balance and Telegram's list agree again")
SOLVED: Final = "balance_agrees"
"""Under this name a host's translator is asked for the words about a drift that is over."""


class Say(Protocol):
    """Says words in a language; ``Templates.say``."""

    def __call__(self, key: str, words: Words, language_code: str | None, /, **values: object) -> str:
        """The words with their values."""
        ...


def ours(key: str, words: Words, language_code: str | None, /, **values: object) -> str:
    """The words of neonpay's own, whatever a host would say."""
    return NEONPAY.say(words, language_code, **values)


def written(event: Event, language_code: str | None, say: Say = ours, *, is_shared: bool = False) -> tuple[str, str]:
    """Subject and body for an owner, in a language; a kind that has no words of its own is named as it is.

    Args:
        is_shared: others may read it, who are not told which buyer it is about.
    """
    is_solved = isinstance(event, BalanceDrifted) and event.balance_nanostars == event.listed_nanostars
    name, words = (SOLVED, _AGREES) if is_solved else (event.name, SUBJECTS.get(event.name))
    subject = event.name if words is None else say(f"alert.{name}.subject", words, language_code)
    code = event.reason if isinstance(event, PaymentNeedsAttention) and event.reason in WHY else None
    lines = []
    if event.amount_stars is not None and not is_solved:
        lines.append(say("alert.amount", _SALE, language_code, stars=event.amount_stars))
    for attribute, line in _LINES.items():
        value = getattr(event, attribute)
        if is_shared and attribute == "user_id" and value is not None:
            value = shown_buyer(value)
        if attribute == "reason" and code is not None:
            value = say(f"alert.why.{code}", WHY[code], language_code)
        if value is not None:
            lines.append(say(f"alert.{attribute}", line, language_code, value=str(value)[:_VALUE_CHARS]))
    about = code if code is not None and code in WHAT_TO_DO else name
    advice, charge = WHAT_TO_DO.get(about), (event.charge_id or "")[:NAMED_CHARS]
    if advice is not None:
        lines += ["", say(f"alert.{about}.advice", advice, language_code, charge=charge)]
    return subject, "\n".join(lines)
