"""A stage that sells a limited number of times: who is let through to pay, until when, and what happens to one too many."""

from tests.integration.payments.test_seats import *  # noqa: F403  # the same tests, on the ledger of this folder
