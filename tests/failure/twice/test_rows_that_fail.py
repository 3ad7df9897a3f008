"""A row of Telegram's list that cannot be dealt with stops no other row, is told of, and is tried again."""

from tests.integration.reconcile.test_rows_that_fail import *  # noqa: F403  # the same tests, on the ledger of this folder
