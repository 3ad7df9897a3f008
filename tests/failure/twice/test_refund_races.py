"""Refunds, retries, rejections and handlers that meet at one payment."""

from tests.integration.payments.test_refund_races import *  # noqa: F403  # the same tests, on the ledger of this folder
