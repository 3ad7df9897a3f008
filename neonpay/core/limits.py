"""Every number of Telegram's that this package uses, each with its source and the day it was read.

Sources, by the letter used below:

* API: Bot API 10.3 documentation, https://core.telegram.org/bots/api (read 2026-11-20)
* SRV: source of the Bot API server, https://github.com/tdlib/telegram-bot-api, commit 01a3679 (read 2026-11-20)
* TDL: source of TDLib 1.8.66, https://github.com/tdlib/td (read 2026-11-20)
* FAQ: https://core.telegram.org/bots/faq (read 2026-11-20)

Names end in the unit that they count: ``_chars``, ``_bytes``, ``_s``, ``_stars``.
"""

from __future__ import annotations

from typing import Final

CURRENCY: Final = "XTR"
"""The currency code of Telegram Stars; amounts have no minor unit (API, sendInvoice)."""

TITLE_MIN_CHARS: Final = 1
"""Shortest invoice title (API, sendInvoice)."""
TITLE_MAX_CHARS: Final = 32
"""Longest invoice title (API, sendInvoice)."""
DESCRIPTION_MIN_CHARS: Final = 1
"""Shortest invoice description (API, sendInvoice)."""
DESCRIPTION_MAX_CHARS: Final = 255
"""Longest invoice description (API, sendInvoice)."""
PAYLOAD_MIN_BYTES: Final = 1
"""Shortest invoice payload, UTF-8 (API, sendInvoice)."""
PAYLOAD_MAX_BYTES: Final = 128
"""Longest invoice payload, UTF-8 (API, sendInvoice)."""
PRICE_MIN_STARS: Final = 1
"""Smallest invoice total: it must be positive (TDL, Payments.cpp)."""
PRICE_MAX_STARS: Final = 999_999_999_999
"""Largest total that TDLib sends on. Telegram's own cap for Stars is not published; above it Telegram answers
``CURRENCY_TOTAL_AMOUNT_INVALID`` (TDL, LabeledPricePart.cpp)."""
START_PARAMETER_MAX_CHARS: Final = 64
"""Longest deep-link parameter, of A-Z, a-z, 0-9, ``_`` and ``-`` (https://core.telegram.org/bots/features#deep-linking,
read 2026-11-20)."""

SUBSCRIPTION_PERIOD_S: Final = 2_592_000
"""The one subscription period that Telegram sells: 30 days (API, createInvoiceLink)."""
SUBSCRIPTION_PRICE_MAX_STARS: Final = 10_000
"""Highest price of one subscription period (API, createInvoiceLink)."""
PAID_MEDIA_PRICE_MAX_STARS: Final = 25_000
"""Highest price of paid media (API, sendPaidMedia)."""

PRE_CHECKOUT_DEADLINE_S: Final = 10
"""Time in which a pre-checkout query must be answered, else the order is cancelled (API, answerPreCheckoutQuery)."""
PRE_CHECKOUT_UPDATE_TTL_S: Final = 150
"""Time for which the server keeps an undelivered pre-checkout query: a bot that was down may receive one that is long
past its deadline (SRV, Client.cpp)."""
UPDATE_TTL_S: Final = 86_400
"""Time for which the server keeps other undelivered updates (SRV, Client.cpp)."""
INVOICE_FORM_TTL_S: Final = 600
"""Age at which the payer's client is told ``FORM_EXPIRED`` (https://core.telegram.org/method/payments.sendStarsForm,
read 2026-11-20)."""

GET_UPDATES_LIMIT: Final = 100
"""Most updates in one getUpdates answer (API, getUpdates)."""
GET_UPDATES_TIMEOUT_MAX_S: Final = 50
"""Longest long-poll that the server grants (SRV, Client.cpp)."""
TRANSACTIONS_LIMIT: Final = 100
"""Most rows in one getStarTransactions answer; larger values are clamped (API; SRV)."""

WEBHOOK_SECRET_MAX_CHARS: Final = 256
"""Longest webhook secret token, of A-Z, a-z, 0-9, ``_`` and ``-`` (API, setWebhook)."""
WEBHOOK_IDLE_TIMEOUT_S: Final = 60
"""Time after which a webhook request without an answer counts as failed (SRV, WebhookActor.cpp)."""
WEBHOOK_BACKOFF_CAP_S: Final = (60, 120)
"""Bounds of the random cap on the pause between webhook retries: at once, then 2, 4, 8 … s (SRV, WebhookActor.cpp)."""
WEBHOOK_RETRY_AFTER_MAX_S: Final = 3_600
"""Longest ``Retry-After`` of a webhook's answer that the server honours (SRV, WebhookActor.cpp)."""

MESSAGES_PER_S: Final = 30
"""Messages a second that a bot may send in total (FAQ)."""
CHAT_MESSAGES_PER_S: Final = 1
"""Messages a second that a bot may send to one chat, short bursts aside (FAQ)."""
GROUP_MESSAGES_PER_S: Final = 20 / 60
"""Messages a second that a bot may send to one group: twenty a minute (FAQ)."""
MESSAGE_TEXT_MAX_CHARS: Final = 4_096
"""Longest text message (API, sendMessage)."""
CAPTION_MAX_CHARS: Final = 1_024
"""Longest caption (API, sendPhoto)."""
CALLBACK_DATA_MAX_BYTES: Final = 64
"""Longest callback data of an inline button (API, InlineKeyboardButton)."""
