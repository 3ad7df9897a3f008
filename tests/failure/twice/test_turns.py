"""The periodic task reads so many pages in a turn, and comes back when there is a reason to."""

from tests.integration.reconcile.test_turns import *  # noqa: F403  # the same tests, on the ledger of this folder
