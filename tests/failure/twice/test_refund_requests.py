"""Buyers ask for their Stars; the policy, the hooks and a person decide."""

from tests.integration.payments.test_refund_requests import *  # noqa: F403  # the same tests, on the ledger of this folder
