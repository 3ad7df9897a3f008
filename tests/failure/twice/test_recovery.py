"""Payments and refunds whose update never came are found in Telegram's list of transactions."""

from tests.integration.reconcile.test_recovery import *  # noqa: F403  # the same tests, on the ledger of this folder
