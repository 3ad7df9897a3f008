"""Paid periods that Telegram renews, and what it tells of them beside their payments."""

from tests.integration.payments.test_subscriptions import *  # noqa: F403  # the same tests, on the ledger of this folder
