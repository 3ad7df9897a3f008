"""Limits count in the ledger, act before checkout, and hold for all workers together."""

from tests.integration.security.test_limits import *  # noqa: F403  # the same tests, on the ledger of this folder
