"""Middlewares stand around a sale, and none of them can lose a payment."""

from tests.integration.payments.test_middleware import *  # noqa: F403  # the same tests, on the ledger of this folder
