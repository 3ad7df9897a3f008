"""The names of events that the guide has, and what makes each of them true."""

from __future__ import annotations

import enum
from typing import Final


class SoftKind(enum.StrEnum):
    """What may happen beside the ledger.

    A program may name others; these are the ones that reports know.

    Attributes:
        USER_STARTED: somebody sent ``/start``; ``source`` is its parameter.
        USER_MESSAGE: somebody wrote to the bot.
        USER_CALLBACK: somebody pressed a button of the bot.
        PRODUCT_VIEW: somebody looked at ``subject``, as the program tells.
        PRODUCT_CLICK: somebody chose it, as the program tells.
        PRODUCT_SHARE: somebody sent it on, as the program tells.
        PROMO_CODE_USED: a code was taken, as the program tells.
        PROMO_CODE_INVALID: a code was none, as the program tells.
        BOT_STARTED: a program of the bot began to work.
        BOT_SYNC: a program of the bot has sent what it knew to somebody, as the program tells.
        BOT_ERROR: something went wrong in the bot, as the program tells.
    """

    USER_STARTED = "user_started"
    USER_MESSAGE = "user_message"
    USER_CALLBACK = "user_callback"
    PRODUCT_VIEW = "product_view"
    PRODUCT_CLICK = "product_click"
    PRODUCT_SHARE = "product_share"
    PROMO_CODE_USED = "promo_code_used"
    PROMO_CODE_INVALID = "promo_code_invalid"
    BOT_STARTED = "bot_started"
    BOT_SYNC = "bot_sync"
    BOT_ERROR = "bot_error"


class LedgerKind(enum.StrEnum):
    """What the ledger knows by itself: reports derive it, so that no program counts it a second time.

    Attributes:
        PAYMENT_STARTED: an invoice was written.
        PAYMENT_COMPLETED: a payment was recorded.
        PAYMENT_FAILED: a checkout was declined, or an invoice could not be sent.
        PAYMENT_CANCELLED: an invoice was abandoned: a day old, and unpaid. Telegram tells nothing of it.
        SUBSCRIPTION_CREATED: the first payment of a subscription.
        SUBSCRIPTION_RENEWED: a later payment of a subscription.
        SUBSCRIPTION_EXPIRED: a subscription ran out.
        SUBSCRIPTION_CANCELLED: Telegram told that a subscription will not renew itself.
    """

    PAYMENT_STARTED = "payment_started"
    PAYMENT_COMPLETED = "payment_completed"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_CANCELLED = "payment_cancelled"
    SUBSCRIPTION_CREATED = "subscription_created"
    SUBSCRIPTION_RENEWED = "subscription_renewed"
    SUBSCRIPTION_EXPIRED = "subscription_expired"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"


OF_LEDGER: Final[frozenset[str]] = frozenset(LedgerKind)
"""The names of events that reports take from the ledger alone."""
KNOWN: Final[frozenset[str]] = frozenset(SoftKind) | OF_LEDGER
"""Every name of the guide."""
