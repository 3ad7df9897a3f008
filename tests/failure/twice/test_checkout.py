"""The pre-checkout query: approved only when everything is in order, and answered in time."""

from tests.integration.payments.test_checkout import *  # noqa: F403  # the same tests, on the ledger of this folder
