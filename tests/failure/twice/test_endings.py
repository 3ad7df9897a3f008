"""What is told at the end of an invoice, or of a delivery, is told once however often its unit runs."""

from tests.integration.payments.test_endings import *  # noqa: F403  # the same tests, on the ledger of this folder
