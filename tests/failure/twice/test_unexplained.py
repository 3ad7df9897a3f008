"""A payment that Telegram's list does not have is found, whatever the clock of the worker that recorded it says."""

from tests.integration.reconcile.test_unexplained import *  # noqa: F403  # the same tests, on the ledger of this folder
