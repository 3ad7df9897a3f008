"""What an owner reads of each kind of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neonpay.core.events import Event
from neonpay.core.words import NEONPAY, Words

_SALE: Final = Words("{stars} Star", "{stars} Stars")
_LINES: Final[Mapping[str, Words]] = {
    "stage_id": Words("Product: {value}"),
    "user_id": Words("Buyer: {value}"),
    "charge_id": Words("Charge: {value}"),
    "handler": Words("Handler: {value}"),
    "reason": Words("Why: {value}"),
}
_VALUE_CHARS: Final = 300
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
}
WHAT_TO_DO: Final[Mapping[str, Words]] = {
    "payment_needs_attention": Words(
        "Decide with: neonpay payments accept {charge}, or give it back with: neonpay refund {charge}"
    ),
    "fulfilment_abandoned": Words("Mend the handler, then: neonpay payments retry {charge}"),
    "refund_failed": Words(
        "The Stars are with the bot still. Talk to the buyer, or try again with: neonpay refund {charge}"
    ),
    "balance_drifted": Words("See: neonpay reconcile"),
    "payment_unexplained": Words("Do not deliver it again, and see: neonpay payments show {charge}"),
}


def written(event: Event, language_code: str | None) -> tuple[str, str]:
    """Subject and body for an owner, in a language; a kind that has no words of its own is named as it is."""
    words = SUBJECTS.get(event.name)
    subject = NEONPAY.say(words, language_code) if words is not None else event.name
    lines = []
    if event.amount_stars is not None:
        lines.append(NEONPAY.say(_SALE, language_code, stars=event.amount_stars))
    for name, line in _LINES.items():
        value = getattr(event, name)
        if value is not None:
            lines.append(NEONPAY.say(line, language_code, value=str(value)[:_VALUE_CHARS]))
    advice = WHAT_TO_DO.get(event.name)
    if advice is not None:
        lines += ["", NEONPAY.say(advice, language_code, charge=event.charge_id or "")]
    return subject, "\n".join(lines)
