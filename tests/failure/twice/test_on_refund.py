"""Handlers that take back what a refunded payment had granted."""

from tests.integration.payments.test_on_refund import *  # noqa: F403  # the same tests, on the ledger of this folder
