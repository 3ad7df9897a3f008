"""Telegram tells of a refund before it tells of the payment: it is recorded as what it is, and never delivered."""

from tests.integration.payments.test_refunded_first import *  # noqa: F403  # the same tests, on the ledger of this folder
