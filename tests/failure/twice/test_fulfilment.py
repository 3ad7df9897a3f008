"""Handlers that fail, disappear, or come back; and the message of thanks."""

from tests.integration.payments.test_fulfilment import *  # noqa: F403  # the same tests, on the ledger of this folder
