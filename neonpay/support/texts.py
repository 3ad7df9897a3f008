"""What buyers and the shop's people read; other languages than English are in ``neonpay/locale``."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from neonpay.core.words import NEONPAY, Words, language_among


class Text(enum.Enum):
    """One thing to say."""

    NOTHING_PAID = Words("You have no payments here that could be given back.")
    CHOOSE = Words("Which payment is it about?")
    CHOOSE_FOR_WORDS = Words("Your words are kept. Which payment are they about?")
    CONFIRM = Words(
        "{title}, {stars} Star, paid on {date}.\n\nSend the request with the button below, or say why with your own words, "
        "like this:\n/paysupport the file does not open",
        "{title}, {stars} Stars, paid on {date}.\n\nSend the request with the button below, or say why with your own words, "
        "like this:\n/paysupport the file does not open",
    )
    CONFIRM_WORDS = Words(
        "{title}, {stars} Star, paid on {date}.\n\nYour words: {words}\n\nSend the request with the button below, or with "
        "other words, like this:\n/paysupport the file does not open",
        "{title}, {stars} Stars, paid on {date}.\n\nYour words: {words}\n\nSend the request with the button below, or with "
        "other words, like this:\n/paysupport the file does not open",
    )
    SEND = Words("Ask for a refund")
    NOT_YOURS = Words("This is not a payment of yours.")
    BACK_ALREADY = Words("These Stars are back with you already, or on their way.")
    WAITS = Words(
        "Your request about {title} ({stars} Star) has been received. A person will look at it and you will get an answer "
        "here.",
        "Your request about {title} ({stars} Stars) has been received. A person will look at it and you will get an answer "
        "here.",
    )
    APPROVED = Words(
        "Your request about {title} is granted: {stars} Star goes back to you.",
        "Your request about {title} is granted: {stars} Stars go back to you.",
    )
    REFUSED = Words(
        "Your request about {title} ({stars} Star) has been refused.",
        "Your request about {title} ({stars} Stars) has been refused.",
    )
    TOO_LATE = Words(
        "Your request about {title} ({stars} Star) cannot be granted: the time for refunds is over.",
        "Your request about {title} ({stars} Stars) cannot be granted: the time for refunds is over.",
    )
    CONTACT = Words("Questions? {contact}")
    REQUEST = Words(
        "A buyer asks for a refund.\n{title}, {stars} Star, paid on {date}\nBuyer: {user}\nCharge: {charge}",
        "A buyer asks for a refund.\n{title}, {stars} Stars, paid on {date}\nBuyer: {user}\nCharge: {charge}",
    )
    REASON = Words("Reason: {words}")
    APPROVE = Words("Approve")
    REFUSE = Words("Refuse")
    NOT_FOR_YOU = Words("This button is not for you.")
    IS_APPROVED = Words("Approved by {by}")
    IS_REFUSED = Words("Refused by {by}")
    TELEGRAM_REFUSES = Words("Approved, but Telegram refuses the refund: {why}")


def say(text: Text, language_code: str | None, /, **values: object) -> str:
    """A text in a language, with its values filled in."""
    return NEONPAY.say(text.value, language_code, **values)


def own_words(words: str | Mapping[str, str], language_code: str | None) -> str:
    """The shop's own text in a language: one text for everybody, or by language code; the first one is for the others."""
    if isinstance(words, str):
        return words
    language = language_among(words.keys(), language_code)
    return next(iter(words.values())) if language is None else words[language]
