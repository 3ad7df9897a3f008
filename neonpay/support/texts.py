"""What /paysupport says to buyers and to the shop's people."""

from __future__ import annotations

from neonpay.core.wording import OURS

NOTHING_PAID = OURS.translatable("You have no payments here that could be given back.")
CHOOSE = OURS.translatable("Which payment is it about?")
CHOOSE_FIRST = OURS.translatable("Please choose the payment first, then send your words again.")
CONFIRM = OURS.translatable_plural(
    "{title}, {stars} Star, paid on {date}.\n\nSend the request with the button below, or say why with your own words, like "
    "this:\n/paysupport the file does not open",
    "{title}, {stars} Stars, paid on {date}.\n\nSend the request with the button below, or say why with your own words, like "
    "this:\n/paysupport the file does not open",
    by="stars",
)
SEND = OURS.translatable("Ask for a refund")
NOT_YOURS = OURS.translatable("This is not a payment of yours.")
BACK_ALREADY = OURS.translatable("These Stars are back with you already, or on their way.")
WAITS = OURS.translatable_plural(
    "Your request about {title} ({stars} Star) has been received. A person will look at it and you will get an answer here.",
    "Your request about {title} ({stars} Stars) has been received. A person will look at it and you will get an answer here.",
    by="stars",
)
APPROVED = OURS.translatable_plural(
    "Your request about {title} is granted: {stars} Star goes back to you.",
    "Your request about {title} is granted: {stars} Stars go back to you.",
    by="stars",
)
REFUSED = OURS.translatable_plural(
    "Your request about {title} ({stars} Star) has been refused.",
    "Your request about {title} ({stars} Stars) has been refused.",
    by="stars",
)
TOO_LATE = OURS.translatable_plural(
    "Your request about {title} ({stars} Star) cannot be granted: the time for refunds is over.",
    "Your request about {title} ({stars} Stars) cannot be granted: the time for refunds is over.",
    by="stars",
)
CONTACT = OURS.translatable("Questions? {contact}")
REQUEST = OURS.translatable_plural(
    "A buyer asks for a refund.\n{title}, {stars} Star, paid on {date}\nBuyer: {user}\nCharge: {charge}",
    "A buyer asks for a refund.\n{title}, {stars} Stars, paid on {date}\nBuyer: {user}\nCharge: {charge}",
    by="stars",
)
REASON = OURS.translatable("Reason: {words}")
APPROVE = OURS.translatable("Approve")
REFUSE = OURS.translatable("Refuse")
NOT_FOR_YOU = OURS.translatable("This button is not for you.")
IS_APPROVED = OURS.translatable("Approved by {by}")
IS_REFUSED = OURS.translatable("Refused by {by}")
TELEGRAM_REFUSES = OURS.translatable("Approved, but Telegram refuses the refund: {why}")
