"""Invoices that wait for their chat's turn: sent once, by one worker, or given up with words."""

from tests.integration.payments.test_queued_invoices import *  # noqa: F403  # the same tests, on the ledger of this folder
