"""Opening and closing, and what the workers of one bot share."""

from tests.integration.payments.test_lifecycle import *  # noqa: F403  # the same tests, on the ledger of this folder
