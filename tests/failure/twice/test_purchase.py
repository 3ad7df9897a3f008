"""A purchase from the offer to the delivered payment."""

from tests.integration.payments.test_purchase import *  # noqa: F403  # the same tests, on the ledger of this folder
